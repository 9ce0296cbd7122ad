/**
 * The program of a node process as one file, made once for a test run: it starts in a fifth of the processor time that
 * loading every source takes, and these tests start more than forty of them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

export interface Bundle {
  readonly file: string;
  remove(): void;
}

export function bundleHostedNode(): Bundle {
  const folder = mkdtempSync(join(tmpdir(), "foundation-worlds-bundle-"));
  const file = join(folder, "hosted-node.mjs");
  buildSync({
    entryPoints: [fileURLToPath(new URL("hosted-node.ts", import.meta.url))],
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    // "module" is what bundlers know by themselves, unless they are given conditions.
    conditions: ["@foundation/source", "module"],
    sourcemap: "inline",
    logLevel: "error",
    // What is CommonJS inside asks for Node's modules by `require`.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  return { file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
