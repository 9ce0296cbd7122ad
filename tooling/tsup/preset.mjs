/**
 * The one way every package is built: ESM only, Node 20, declarations beside the code.
 *
 * ESM only because `require()` of ESM works on every supported Node, and a dual build would give
 * an application two copies of every class. Dependencies stay external (tsup's default), so a
 * package's declarations name other packages instead of copying their types.
 */
import { defineConfig } from "tsup";

/**
 * @param {Record<string, string>} entry output name → source file, one per export of the package
 * @param {Record<string, string>} own the same, one per `#` import of the package: what stands
 *   behind such a name is decided where the package is used, so it is never built in
 */
export function preset(entry, own = {}) {
  return defineConfig({
    entry: { ...entry, ...own },
    external: [/^#/],
    format: ["esm"],
    target: "es2022",
    platform: "node",
    // tsup passes `baseUrl` to the compiler, which TypeScript 6 reports as deprecated.
    dts: {
      entry,
      // Other packages by their built declarations, not their sources: half the work.
      compilerOptions: { ignoreDeprecations: "6.0", noEmit: false, customConditions: [] },
    },
    splitting: true,
    sourcemap: false,
    treeshake: false,
    clean: true,
    silent: true,
  });
}
