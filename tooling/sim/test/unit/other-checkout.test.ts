import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { protocolChange } from "../../src/check-determinism.js";
import { changed } from "../../src/other-checkout.js";
import { repositoryRoot } from "../../src/processes.js";

describe("the one-line change of a protocol", () => {
  test("still finds its line in the sources", () => {
    const text = readFileSync(join(repositoryRoot, protocolChange.file), "utf8");
    const other = changed(text, protocolChange);
    expect(other).toContain(protocolChange.replace);
    expect(other.split("\n")).toHaveLength(text.split("\n").length);
  });

  test("is refused when its line is gone, or there twice", () => {
    const change = { file: "a.ts", find: "one", replace: "two" };
    expect(changed("zero one", change)).toBe("zero two");
    expect(() => changed("zero", change)).toThrow(/must occur once in a\.ts; it occurs 0 times/);
    expect(() => changed("one one", change)).toThrow(/it occurs 2 times/);
  });
});
