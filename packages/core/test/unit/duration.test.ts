import { describe, expect, test } from "@jest/globals";
import { parseDuration, type Duration } from "../../src/index.js";

describe("parseDuration", () => {
  test.each<[Duration, number]>([
    ["250ms", 250],
    ["5s", 5_000],
    ["2.5s", 2_500],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["1d", 86_400_000],
    ["0s", 0],
    [1_500, 1_500],
    [0, 0],
    [0.5, 0.5],
  ])("%p is %p ms", (duration, ms) => {
    expect(parseDuration(duration, "timeout")).toBe(ms);
  });

  test.each([
    "",
    "5",
    "s",
    "5 s",
    "-5s",
    "5S",
    "1e3ms",
    "5s5s",
    "Infinitys",
    -1,
    Number.NaN,
    Infinity,
    null,
    undefined,
    {},
    true,
  ])("%p is refused, naming the argument", (duration) => {
    expect(() => parseDuration(duration as Duration, "timeout")).toThrow(
      expect.objectContaining({
        code: "ERR_INVALID_ARGUMENT",
        message: expect.stringContaining("timeout"),
        details: expect.objectContaining({ argument: "timeout" }),
      }),
    );
  });
});
