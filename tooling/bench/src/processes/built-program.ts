/**
 * Built programs: a TypeScript entry and the workspace's packages it needs as JavaScript, made once
 * for a run, as `npm start` does it. Where starting is measured, a loader that compiles in each
 * process would be what is measured. Third-party packages stay where they are, as at a user's.
 */
import { readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, stop, type Plugin } from "esbuild";

/** Within the workspace, so that the nearest package.json is one of modules; nobody commits it. */
const FOLDER = fileURLToPath(new URL("../../.cache/", import.meta.url));

export interface BuiltProgram extends AsyncDisposable {
  /** The path to run with Node. */
  readonly file: string;
}

let count = 0;

export async function builtProgram(source: URL): Promise<BuiltProgram> {
  count += 1;
  const entry = fileURLToPath(source);
  const folder = join(FOLDER, `program-${process.pid}-${count}`);
  try {
    await build({
      entryPoints: [entry],
      outdir: folder,
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node20",
      conditions: ["@foundation/source"],
      logLevel: "error",
      plugins: [thirdPartyStays],
    });
  } finally {
    await stop();
  }
  return {
    file: join(folder, `${basename(entry, ".ts")}.js`),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Files of ours that load a package by `require`. */
const REQUIRES = /[\\/]src[\\/](websocket[\\/]ws|logger[\\/]pino|local[\\/]transitory)\.ts$/;

/**
 * A bare import that leads into node_modules is imported from where its importer would find it, and
 * what is required is required from there.
 */
const thirdPartyStays: Plugin = {
  name: "third-party-stays",
  setup({ onLoad, onResolve, resolve }) {
    onLoad({ filter: REQUIRES }, async ({ path }) => {
      const url = JSON.stringify(pathToFileURL(path).href);
      const text = await readFile(path, "utf8");
      return { contents: text.replaceAll("import.meta.url", url), loader: "ts" };
    });
    const seen = Symbol("seen");
    onResolve({ filter: /^[^./]/ }, async (args) => {
      if (args.pluginData === seen || args.path.startsWith("node:")) return undefined;
      const { importer, resolveDir, kind } = args;
      const found = await resolve(args.path, { importer, resolveDir, kind, pluginData: seen });
      if (found.errors.length > 0 || !found.path.includes("node_modules")) return found;
      return { path: pathToFileURL(found.path).href, external: true };
    });
  },
};
