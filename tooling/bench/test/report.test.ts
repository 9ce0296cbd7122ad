import { describe, expect, test } from "@jest/globals";
import { judge, median, table } from "../src/report.js";
import type { Reading, Suite } from "../src/suite.js";

const suite: Suite = {
  name: "test",
  contestants: ["ours", "theirs"],
  measures: ["events/s"],
  aims: [{ measure: "events/s", of: "ours", against: "theirs", ratioMin: 4 }],
  measure: () => Promise.resolve([]),
};
const readings = (ours: readonly number[], theirs: readonly number[]): Reading[] => [
  ...ours.map((value) => ({ contestant: "ours", measure: "events/s", value })),
  ...theirs.map((value) => ({ contestant: "theirs", measure: "events/s", value })),
];

describe("the report of a benchmark", () => {
  test("takes the median, so that one disturbed repetition changes nothing", () => {
    expect(median([3, 1, 1_000])).toBe(3);
    expect(median([1, 2, 3, 4])).toBe(2.5);
  });

  test("judges the ratio of medians, on both sides of the aim", () => {
    expect(judge(suite, readings([400, 1, 500], [100, 90, 110]))[0]).toMatchObject({
      ratio: 4,
      ok: true,
    });
    expect(judge(suite, readings([399, 399, 399], [100, 100, 100]))[0]?.ok).toBe(false);
  });

  test("fails the aim when a contestant gave no reading", () => {
    expect(judge(suite, readings([], [100]))[0]?.ok).toBe(false);
  });

  test("shows each contestant with the ratio of the first to it", () => {
    expect(table(suite, readings([400], [100]))).toContain("100 (4.00×)");
  });
});
