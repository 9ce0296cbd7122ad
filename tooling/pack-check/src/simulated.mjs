/**
 * A user's test of a simulated cluster, outside the workspace, by Node's own test runner: in JavaScript, and the guide's
 * example in TypeScript, compiled by every supported compiler.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environment, root } from "../../run/machine.mjs";
import { compile } from "./example.mjs";
import { run } from "./packages.mjs";

const limits = { testMs: 120_000 };

/** @returns {{ ms: number }} */
export function runSimulatedJavaScript(folder) {
  const source = join(root, "tooling/pack-check/simulated/cluster.test.mjs");
  writeFileSync(join(folder, "cluster.test.mjs"), readFileSync(source, "utf8"));
  return nodeTest(folder, "cluster.test.mjs");
}

/** The example's files as they are, with node:test for the workspace's test runner. */
export function runSimulatedTypeScript(folder) {
  const likes = readFileSync(join(root, "apps/likes/src/likes.ts"), "utf8");
  const test = readFileSync(join(root, "apps/likes/test/integration/likes.test.ts"), "utf8");
  writeFileSync(join(folder, "likes.ts"), likes);
  writeFileSync(
    join(folder, "likes.test.ts"),
    test.replace('"@jest/globals"', '"node:test"').replace("../../src/likes.js", "./likes.js"),
  );
  compile(folder, ["likes.ts", "likes.test.ts"]);
  return nodeTest(folder, "out/likes.test.js");
}

function nodeTest(folder, file) {
  const startedAt = performance.now();
  run(process.execPath, ["--test", file], {
    cwd: folder,
    env: environment(),
    timeout: limits.testMs,
  });
  return { ms: Math.round(performance.now() - startedAt) };
}
