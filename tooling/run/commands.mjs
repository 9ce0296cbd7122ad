/**
 * Every command of the repository, in one place: what `npm run X` really executes.
 * A command is a file with arguments (no shell), so arguments with spaces survive.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fail, root } from "./machine.mjs";

const node = process.execPath;
const tsx = pathToFileURL(join(root, "node_modules/tsx/dist/loader.mjs")).href;
const bin = (path) => join(root, "node_modules", path);

/** Far above what any test needs: a slow machine must not fail a test that is right. */
const testTimeoutMs = 60_000;
const jest = (args) => ({
  file: node,
  args: [
    "--experimental-vm-modules",
    "--no-warnings",
    bin("jest/bin/jest.js"),
    `--testTimeout=${testTimeoutMs}`,
    ...args,
  ],
});
const biome = (args) => ({ file: bin("@biomejs/biome/bin/biome"), args });
const script = (path, args) => ({ file: node, args: [join(root, path), ...args] });
/** Runs TypeScript straight from `src/`, without a build; so do the processes it forks. */
const source = (path, args) => ({
  file: node,
  args: ["--conditions=@foundation/source", "--import", tsx, join(root, path), ...args],
});

/** Kinds that may run side by side, kinds that measure time or start processes, kinds on request. */
export const fastKinds = ["tidy", "unit", "property", "contract"];
export const slowKinds = ["smoke", "simulation", "integration"];
const kinds = [...fastKinds, ...slowKinds, "stress", "benchmark"];

const commands = {
  start: (args) => script("tooling/run/start.mjs", args),
  test: (args) => script("tooling/run/test.mjs", args),
  jest: (args) => jest(args),
  /** The whole repository from source, or one folder: `typecheck packages/core`. */
  typecheck: ([project = ".", ...args]) => ({
    file: node,
    args: [bin("typescript7/bin/tsc"), "-p", project, ...args],
  }),
  /** Type-aware, so floating promises are caught across packages. */
  lint: (args) => ({
    file: bin("oxlint/bin/oxlint"),
    args: ["--type-aware", "--deny-warnings", ...(args.length ? args : ["."])],
  }),
  format: (args) => biome(["format", "--write", ...(args.length ? args : ["."])]),
  "format:check": (args) =>
    biome(["format", "--reporter=summary", ...(args.length ? args : ["."])]),
  build: (args) => script("tooling/run/build.mjs", args),
  bench: (args) => source("tooling/bench/src/main.ts", args),
  chaos: (args) => source("tooling/chaos/src/main.ts", args),
  sim: (args) => source("tooling/sim/src/main.ts", args),
  "sim:mutants": (args) => source("tooling/mutants/src/main.ts", args),
  "discovery:matrix": (args) => source("tooling/acceptance/discovery/main.ts", args),
  "pack:lint": (args) => script("tooling/pack-check/src/lint.mjs", args),
  "pack:check": (args) => script("tooling/pack-check/src/main.mjs", args),
  "errors:docs": (args) => source("tooling/tidy/src/write-error-docs.ts", args),
  sizes: (args) => source("tooling/tidy/src/report-sizes.ts", args),
  tidy: (args) => jest([...args, "--selectProjects", "tidy"]),
  changeset: (args) => ({ file: node, args: [bin("@changesets/cli/bin.js"), ...args] }),
  pnpm: (args, pnpm) => ({ file: pnpm.file, args }),
};
for (const kind of kinds) {
  commands[`test:${kind}`] = (args) => jest([...args, "--selectProjects", kind]);
}
commands["test:smoke"] = (args) => commands.test([...args, "--selectProjects", "smoke"]);

/** @returns {{ file: string, args: string[], env?: Record<string, string> }} */
export function resolveCommand(name, args, pnpm) {
  const command = commands[name];
  if (!command) {
    const known = ["install", ...Object.keys(commands)].join(", ");
    fail(`There is no command "${name}". Known ones: ${known}.`);
  }
  return command(args, pnpm);
}
