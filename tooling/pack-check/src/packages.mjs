/**
 * The packages that get published, and packing them exactly as a release would (pnpm pack rewrites
 * `workspace:*` and applies publishConfig, which npm pack does not).
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { environment, root } from "../../run/machine.mjs";
import { ensurePnpm } from "../../run/pnpm.mjs";

/**
 * @typedef {{ name: string, version: string, folder: string, exports: Record<string, unknown> }} Package
 */

/** Every public package below `packages/`. @returns {Package[]} */
export function publicPackages() {
  const base = join(root, "packages");
  return readdirSync(base, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(base, entry.name))
    .map((folder) => ({ folder, ...readManifest(folder) }))
    .filter((each) => each.private !== true);
}

export function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** Packs one built package into `destination`. @returns {Promise<string>} the tarball's path */
export async function pack(folder, destination) {
  const pnpm = await ensurePnpm();
  const args = ["pack", "--json", "--pack-destination", destination];
  const { stdout } = run(pnpm.file, args, { cwd: folder, env: environment(pnpm) });
  const answer = JSON.parse(stdout.slice(stdout.indexOf(stdout.trimStart()[0] ?? "{")));
  const { filename } = Array.isArray(answer) ? answer[0] : answer;
  return filename.startsWith("/") || filename.includes(":")
    ? filename
    : join(destination, filename);
}

/** Runs a command to its end; throws with everything it said when it fails. */
export function run(file, args, options = {}) {
  const result = spawnSync(file, args, {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  if (result.status !== 0) {
    const said = `${result.stdout ?? ""}${result.stderr ?? ""}`.trim();
    const how = result.error?.message ?? `exit code ${result.status ?? result.signal}`;
    throw new Error(`${file} ${args.join(" ")} failed (${how})\n${said}`);
  }
  return { stdout: result.stdout, stderr: result.stderr };
}
