import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { defineConfig, loadConfigFile } from "../../../src/config/index.js";
import { configLimits } from "../../../src/config/limits.js";
import { virtualClock } from "../../../src/testing/index.js";

let root = "";

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "foundation-config-"));
  await put("package.json", "{}");
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function put(name: string, text: string): Promise<string> {
  const file = join(root, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

const unreadable = (file: string, reason: string) =>
  expect.objectContaining({
    code: "ERR_CONFIG_UNREADABLE",
    details: { file, reason: expect.stringContaining(reason) },
  });

describe("the configuration file", () => {
  test("without one there is no layer", async () => {
    expect(await loadConfigFile(root)).toBeUndefined();
  });

  test("a JSON file gives the layer with its origin", async () => {
    const origin = await put("foundation.config.json", '{"cluster": "static"}');
    expect(await loadConfigFile(root)).toEqual({
      name: "file",
      origin,
      values: { cluster: "static" },
    });
  });

  test("a module gives its default export", async () => {
    await put("foundation.config.mjs", "export default { port: 40 + 2 }");
    expect((await loadConfigFile(root))?.values).toEqual({ port: 42 });
  });

  test("a program in a subfolder finds the file of its package", async () => {
    await put("foundation.config.json", "{}");
    await put("src/deep/x.txt", "");
    expect(await loadConfigFile(join(root, "src/deep"))).toBeDefined();
  });

  test("the file of a package around the own one is not taken", async () => {
    await put("foundation.config.json", "{}");
    await put("inner/package.json", "{}");
    expect(await loadConfigFile(join(root, "inner"))).toBeUndefined();
  });

  test.each([
    ["foundation.config.json", "{ cluster: 1 }", "SyntaxError"],
    ["foundation.config.json", "[1]", "found an array"],
    ["foundation.config.json", "null", "found null"],
    ["foundation.config.mjs", "throw new TypeError('boom')", "TypeError: boom"],
    ["foundation.config.mjs", "export const a = 1", "found undefined"],
    ["foundation.config.mjs", "export default 5", "found number"],
    ["foundation.config.mjs", "export default {", "SyntaxError"],
  ])("%s with %j is refused with the file and the reason", async (name, text, reason) => {
    const file = await put(name, text);
    await expect(loadConfigFile(root)).rejects.toEqual(unreadable(file, reason));
  });

  test("a folder of that name and an oversized file are refused", async () => {
    await put("foundation.config.json/x", "");
    await expect(loadConfigFile(root)).rejects.toEqual(
      unreadable(join(root, "foundation.config.json"), "EISDIR"),
    );
    await rm(join(root, "foundation.config.json"), { recursive: true });
    const file = await put("foundation.config.json", `"${"x".repeat(1_100_000)}"`);
    await expect(loadConfigFile(root)).rejects.toEqual(unreadable(file, "at most 1048576"));
  });

  test("a module whose top-level await never ends is refused after its time", async () => {
    const clock = virtualClock();
    const file = await put("foundation.config.mjs", "await new Promise(() => {})");
    const loading = expect(loadConfigFile(root, { clock })).rejects.toEqual(
      unreadable(file, "a top-level await in it does not end"),
    );
    while (clock.pendingTimers === 0) await new Promise((resume) => setImmediate(resume));
    await clock.advance(configLimits.moduleMsMax);
    await loading;
  });

  test("a module that has loaded leaves no timer behind", async () => {
    const clock = virtualClock();
    await put("foundation.config.mjs", "export default {}");
    await loadConfigFile(root, { clock });
    expect(clock.pendingTimers).toBe(0);
  });

  test("two files at once are refused, naming both", async () => {
    const file = await put("foundation.config.mjs", "export default {}");
    const second = await put("foundation.config.json", "{}");
    await expect(loadConfigFile(root)).rejects.toEqual(unreadable(file, second));
  });

  test("defineConfig gives back what it was given", () => {
    const config = { cluster: "local" } as const;
    expect(defineConfig(config)).toBe(config);
  });
});
