/**
 * What the bootstrap needs to know about the machine: the Node version it accepts, the root folder,
 * a clean environment for child processes, and where progress goes (stderr, always).
 */
import { readFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const tools = join(root, ".tools");

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The pinned pnpm version, from `packageManager` in the root package.json. */
export const pnpmVersion = manifest.packageManager.replace(/^pnpm@/, "");

/** Prints one line of progress. stderr, so that stdout stays the command's own. */
export function progress(text) {
  process.stderr.write(`› ${text}\n`);
}

/** Ends the process with an explanation and exit code 1. */
export function fail(text) {
  process.stderr.write(`✗ ${text}\n`);
  process.exit(1);
}

/** Refuses a Node that is too old, saying which one is needed and how to get it. */
export function checkNode(version = process.versions.node) {
  const wanted = manifest.engines.node.replace(">=", "");
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split(".").map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  fail(
    `Foundation needs Node ${wanted} or newer, and this is Node ${version} ` +
      `(${process.execPath}). Install a newer one from https://nodejs.org and run this again.`,
  );
}

/**
 * The environment for every child: npm's own settings are dropped (npm exports its whole
 * configuration to scripts, and pnpm would take it for its own), telemetry is off, and the pinned
 * pnpm is first on the PATH because turbo looks it up there.
 */
export function environment(pnpm) {
  const env = {};
  for (const [key, value] of Object.entries(process.env)) {
    if (!/^(npm_config_|npm_package_|npm_lifecycle_|npm_execpath|npm_node_execpath)/i.test(key)) {
      env[key] = value;
    }
  }
  const path = [join(root, "node_modules", ".bin"), env.PATH ?? ""];
  if (pnpm?.bin) path.unshift(pnpm.bin);
  env.PATH = path.join(delimiter);
  env.TURBO_TELEMETRY_DISABLED = "1";
  env.DO_NOT_TRACK = "1";
  return env;
}
