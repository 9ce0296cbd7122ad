/**
 * The program of a node process as one file, made once for a test run: it starts in a fifth of the processor time that
 * loading every source takes, and these tests start more than forty of them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

export interface Bundle {
  readonly file: string;
  remove(): void;
}

export function bundleHostedNode(): Bundle {
  return bundleProgram(fileURLToPath(new URL("hosted-node.ts", import.meta.url)));
}

/** @param program the path of its source */
export function bundleProgram(program: string): Bundle {
  const folder = mkdtempSync(join(tmpdir(), "foundation-worlds-bundle-"));
  const file = join(folder, `${basename(program, ".ts")}.mjs`);
  buildSync({
    entryPoints: [program],
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    // "module" is what bundlers know by themselves, unless they are given conditions.
    conditions: ["@foundation/source", "module"],
    // Opened with the first document only, and these programs open none.
    external: ["@automerge/automerge"],
    sourcemap: "inline",
    logLevel: "error",
    // What is CommonJS inside asks for Node's modules by `require`.
    banner: {
      js: 'import { createRequire as bundleRequire } from "node:module"; const require = bundleRequire(import.meta.url);',
    },
  });
  return { file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
