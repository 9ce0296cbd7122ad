/** The guide shows this strategy and its test as they are here. */
import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

test.each(["../../src/hosts-file.ts", "./hosts-file.test.ts"])("the guide shows %s", (path) => {
  const shown = read(path)
    .replace('"@jest/globals"', '"node:test"')
    .replace("../../src/hosts-file.js", "./hosts-file.js");
  expect(read("../../../../docs/guides/write-an-adapter.md")).toContain(shown);
});
