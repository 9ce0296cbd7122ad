import { describe, expect, test } from "@jest/globals";
import { judge, median, reportOf, shown, table } from "../src/report.js";
import type { Reading, Suite } from "../src/suite.js";

const suite: Suite = {
  name: "test",
  contestants: ["ours", "theirs"],
  measures: [{ name: "events/s", decimals: 0 }],
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
    expect(judge(suite, readings([400, 1, 500], [100, 90, 110]))).toEqual([
      { name: "ours ÷ theirs, events/s", target: 4, value: 4, met: true },
    ]);
    expect(judge(suite, readings([399, 399, 399], [100, 100, 100]))[0]?.met).toBe(false);
  });

  test("fails the aim when a contestant gave no reading", () => {
    expect(judge(suite, readings([], [100]))[0]?.met).toBe(false);
    expect(reportOf(suite, 1, readings([], [100])).ok).toBe(false);
  });

  test("ends in one object with the verdicts by the names that every measuring command uses, and more beside", () => {
    const report = reportOf(suite, 2, readings([500], [100]));
    expect(JSON.parse(JSON.stringify(report))).toEqual({
      ok: true,
      aims: [{ name: "ours ÷ theirs, events/s", target: 4, value: 5, met: true }],
      suite: "test",
      repetitions: 2,
      medians: { ours: { "events/s": 500 }, theirs: { "events/s": 100 } },
    });
  });

  test("shows a value with the decimals of its measure", () => {
    expect(shown({ name: "CPU µs/event", decimals: 2 }, 2.8049)).toBe("2.80");
    expect(shown({ name: "events/s", decimals: 0 }, 1_234.5)).toBe("1,235");
  });

  test("shows each contestant with the ratio of the first to it", () => {
    expect(table(suite, readings([400], [100]))).toContain("100 (4.00×)");
  });
});
