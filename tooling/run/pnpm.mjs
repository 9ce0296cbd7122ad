/**
 * Brings the pinned pnpm: the one on the PATH when it is exactly that version, else one installed
 * by npm into `.tools`, which needs no global install, no corepack and no permission.
 */
import { spawnSync } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { environment, fail, pnpmVersion, progress, root, tools } from "./machine.mjs";

/** @returns {Promise<{ file: string, bin?: string }>} how to call pnpm, and its folder for PATH */
export async function ensurePnpm() {
  const prefix = join(tools, `pnpm-${pnpmVersion}`);
  const bin = join(prefix, "node_modules", ".bin");
  const local = { file: join(bin, process.platform === "win32" ? "pnpm.cmd" : "pnpm"), bin };
  if (existsSync(local.file)) return local;
  if (versionOf("pnpm") === pnpmVersion) return { file: "pnpm" };
  await withLock(join(tools, "pnpm.lock"), () => {
    if (existsSync(local.file)) return;
    progress(`fetching pnpm ${pnpmVersion} into .tools`);
    fetchPnpm(prefix);
  });
  return local;
}

/** Installs beside and renames, so an interrupted download never leaves half a pnpm behind. */
function fetchPnpm(prefix) {
  const beside = `${prefix}.part`;
  rmSync(beside, { recursive: true, force: true });
  const result = spawnSync(
    "npm",
    ["install", "--prefix", beside, "--no-save", "--no-fund", "--no-audit", `pnpm@${pnpmVersion}`],
    { cwd: root, env: environment(), encoding: "utf8", shell: process.platform === "win32" },
  );
  if (result.status !== 0) {
    fail(
      `npm could not install pnpm ${pnpmVersion}, which builds this repository. ` +
        `Check the network or npm's registry setting, then run this again.\n` +
        `${result.stdout ?? ""}${result.stderr ?? ""}${result.error ?? ""}`,
    );
  }
  rmSync(prefix, { recursive: true, force: true });
  renameSync(beside, prefix);
}

function versionOf(file) {
  const result = spawnSync(file, ["--version"], {
    // Outside the repository: some pnpm versions refuse to answer under another `packageManager`.
    cwd: tmp(),
    env: environment(),
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

function tmp() {
  return process.env.TMPDIR ?? process.env.TEMP ?? "/";
}
