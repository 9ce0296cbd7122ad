/**
 * `npm start`: the quickstart app from its sources, as fast as a built one.
 *
 * The app's processes are part of what it measures, so they must not spend their start compiling:
 * its TypeScript and that of the packages are bundled once (tens of milliseconds) into a folder
 * nobody commits, then run in this very process. Third-party packages stay where they are.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, stop } from "esbuild";
import { root } from "./machine.mjs";

const app = join(root, "apps/quickstart");
// Below the app, so that what looks for the nearest package.json still finds the app's; one folder a
// run, so that two runs at once never read each other's half-written files.
const out = join(app, ".cache", `start-${process.pid}`);

await build({
  entryPoints: [join(app, "src/main.ts"), join(app, "src/node.ts")],
  outdir: out,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  conditions: ["@foundation/source"],
  logLevel: "error",
  plugins: [{ name: "third-party-stays", setup: keepThirdParty }],
});
await stop();

process.once("exit", () => rmSync(out, { recursive: true, force: true }));
const main = join(out, "main.js");
process.argv.splice(1, 1, main);
await import(pathToFileURL(main).href);

/**
 * A bare import that leads into node_modules is imported from where its importer would find it, and
 * what is required is required from there.
 */
function keepThirdParty({ onLoad, onResolve, resolve }) {
  onLoad({ filter: /[\\/]src[\\/](websocket[\\/]ws|logger[\\/]pino)\.ts$/ }, ({ path }) => {
    const url = JSON.stringify(pathToFileURL(path).href);
    const text = readFileSync(path, "utf8");
    return { contents: text.replaceAll("import.meta.url", url), loader: "ts" };
  });
  const seen = Symbol("seen");
  onResolve({ filter: /^[^./]/ }, async (args) => {
    if (args.pluginData === seen || args.path.startsWith("node:")) return undefined;
    const { importer, resolveDir, kind } = args;
    const result = await resolve(args.path, { importer, resolveDir, kind, pluginData: seen });
    if (result.errors.length > 0 || !result.path.includes("node_modules")) return result;
    return { path: pathToFileURL(result.path).href, external: true };
  });
}
