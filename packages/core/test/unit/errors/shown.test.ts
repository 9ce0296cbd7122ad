import { describe, expect, test } from "@jest/globals";
import { shown } from "../../../src/index.js";

describe("shown: what an error found", () => {
  test.each<[string, unknown]>([
    ['"a"', "a"],
    ['""', ""],
    [String.raw`"two\nlines \"quoted\""`, 'two\nlines "quoted"'],
    ["5", 5],
    ["NaN", Number.NaN],
    ["7n", 7n],
    ["true", true],
    ["null", null],
    ["undefined", undefined],
    ["Symbol(s)", Symbol("s")],
    ["a function", () => 1],
    ["a list", [1]],
    ["an object", { secret: "x" }],
    ["an object", Object.create(null)],
  ])("%s", (text, value) => {
    expect(shown(value)).toBe(text);
  });

  test("is cut to 64 characters, also where the number has more digits", () => {
    expect(shown("k".repeat(65))).toBe(`"${"k".repeat(64)}…"`);
    expect(shown("k".repeat(64))).toBe(`"${"k".repeat(64)}"`);
    expect(shown(10n ** 80n)).toBe(`1${"0".repeat(63)}…`);
  });

  test("never asks the object for a text", () => {
    const loud = {
      toString: () => {
        throw new Error("asked");
      },
    };
    expect(shown(loud)).toBe("an object");
  });
});
