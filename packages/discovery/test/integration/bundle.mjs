/**
 * Makes one file of a TypeScript program and all it imports: `bundle.mjs <program> <folder>`.
 *
 * Starting fifty processes from source would compile everything fifty times; from one file it takes
 * a few seconds. CommonJS, since some dependencies require Node's modules at run time.
 */
import { build } from "tsup";

const [, , program, folder] = process.argv;
await build({
  config: false,
  silent: true,
  entry: [program],
  outDir: folder,
  format: "cjs",
  target: "node20",
  platform: "node",
  noExternal: [/.*/],
  esbuildOptions: (options) => {
    options.conditions = ["@foundation/source", "module", "node"];
  },
});
