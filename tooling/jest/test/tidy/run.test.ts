/**
 * A real jest run over planted test files: what breaks in them must turn the run red, with the
 * closing line saying so. The files live below the checkout's cache because jest must resolve
 * `@jest/globals` from there.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../../../..");
let folder = "";

beforeAll(() => {
  const base = join(root, "tooling/jest/node_modules/.cache");
  mkdirSync(base, { recursive: true });
  folder = mkdtempSync(join(base, "run-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("broken, empty, leaking and skipped files are all counted", async () => {
  const run = await jest({
    "passes.test.mjs": 'test("a", () => {});',
    "fails.test.mjs": 'test("b", () => { throw new Error("no"); });',
    "broken.test.mjs": "const",
    "empty.test.mjs": "",
    "child.test.mjs": `
      import { spawn } from "node:child_process";
      test("e", () => { spawn(process.execPath, ["-e", "setTimeout(() => {}, 9e3)"]); });`,
    "leaks.test.mjs": `
      import { createServer } from "node:net";
      test("c", async () => { await new Promise((r) => createServer().listen(0, "127.0.0.1", r)); });`,
    "skips.test.mjs": 'test.skip("d [needs the moon]", () => {});',
  });
  expect(run.lines.slice(-2)).toEqual(["1 skipped (the moon × 1)", "1 passed, 5 failed"]);
  expect(run.output).toContain("left open handles: TCPServerWrap × 1");
  expect(run.output).toMatch(/left open handles: .*ProcessWrap × 1/);
  expect(run.code).toBe(1);
}, 60_000);

test("a clean run ends with code 0, and with code 1 where a skip is not allowed", async () => {
  const files = {
    "passes.test.mjs": 'test("a", () => {});',
    "skips.test.mjs": 'test.skip("d [needs the moon]", () => {});',
  };
  const lenient = await jest(files);
  expect(lenient.lines.at(-1)).toBe("1 passed, 0 failed");
  expect(lenient.code).toBe(0);
  const strict = await jest(files, { REQUIRE_ALL: "1" });
  expect(strict.lines.at(-1)).toBe("1 passed, 1 failed");
  expect(strict.code).toBe(1);
}, 60_000);

interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly lines: readonly string[];
}

async function jest(files: Readonly<Record<string, string>>, env: object = {}): Promise<Run> {
  const project = mkdtempSync(join(folder, "project-"));
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(project, name), `import { test } from "@jest/globals";\n${text}\n`);
  }
  writeFileSync(join(project, "package.json"), '{ "type": "module" }');
  const config = {
    rootDir: project,
    testMatch: ["<rootDir>/*.test.mjs"],
    testPathIgnorePatterns: [],
    transform: {},
    moduleFileExtensions: ["mjs", "js"],
    haste: { retainAllFiles: true },
    testEnvironment: join(root, "tooling/jest/src/environment.mjs"),
    reporters: [join(root, "tooling/jest/src/reporter.mjs")],
    maxWorkers: 2,
  };
  writeFileSync(join(project, "jest.config.json"), JSON.stringify(config));
  const { FOUNDATION_TALLY: _, REQUIRE_ALL: __, NODE_OPTIONS: ___, ...rest } = process.env;
  const args = ["--experimental-vm-modules", "--no-warnings"];
  args.push(join(root, "node_modules/jest/bin/jest.js"), "--config", "jest.config.json");
  const child = spawn(process.execPath, args, { cwd: project, env: { ...rest, ...env } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const stdout: string[] = [];
  child.stdout.on("data", (text: string) => stdout.push(text));
  const code = await new Promise<number | null>((done) => child.once("close", done));
  return { code, output, lines: stdout.join("").trimEnd().split("\n") };
}
