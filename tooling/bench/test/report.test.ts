import { describe, expect, test } from "@jest/globals";
import { disturbanceOf, judge, median, reportOf, shown, table } from "../src/report.js";
import { verdictText, type Findings } from "../src/report.js";
import type { Aim, Reading, Suite } from "../src/suite.js";

const suiteOf = (...aims: Aim[]): Suite => ({
  name: "test",
  contestants: ["ours", "theirs", "others"],
  measures: [{ name: "events/s", decimals: 0 }],
  aims,
  measure: () => Promise.resolve([]),
});
const ratio: Aim = {
  measure: "events/s",
  of: "ours",
  against: "theirs",
  bound: "at least",
  target: 4,
};
const suite = suiteOf(ratio);
const found = (
  byContestant: Readonly<Record<string, readonly number[]>>,
  failed: Readonly<Record<string, string>> = {},
): Findings => ({
  repetitions: 2,
  readings: Object.entries(byContestant).flatMap(([contestant, values]) =>
    values.map((value): Reading => ({ contestant, measure: "events/s", value })),
  ),
  failed: new Map(Object.entries(failed)),
});

describe("the report of a benchmark", () => {
  test("takes the median, so that one disturbed repetition changes nothing", () => {
    expect(median([3, 1, 1_000])).toBe(3);
    expect(median([1, 2, 3, 4])).toBe(2.5);
  });

  test("judges the ratio of medians, on both sides of an aim at least", () => {
    const name = "ours ÷ theirs, events/s";
    expect(judge(suite, found({ ours: [400, 1, 500], theirs: [100, 90, 110] }))).toEqual([
      { name, bound: "at least", target: 4, value: 4, met: true },
    ]);
    expect(judge(suite, found({ ours: [399], theirs: [100] }))[0]?.met).toBe(false);
  });

  test("judges an aim at most the other way round", () => {
    const atMost = suiteOf({ ...ratio, bound: "at most", target: 1.5 });
    expect(judge(atMost, found({ ours: [150], theirs: [100] }))[0]?.met).toBe(true);
    expect(judge(atMost, found({ ours: [151], theirs: [100] }))[0]?.met).toBe(false);
  });

  test("judges a value by itself when it is compared with nobody", () => {
    const { against: _, ...rest } = ratio;
    const absolute = suiteOf({ ...rest, bound: "at most", target: 64 });
    expect(judge(absolute, found({ ours: [64, 10, 100] }))).toEqual([
      { name: "ours, events/s", bound: "at most", target: 64, value: 64, met: true },
    ]);
  });

  test("compares with the best of several: the most for at least, the least for at most", () => {
    const against = ["theirs", "others"];
    const readings = found({ ours: [400], theirs: [100], others: [200] });
    expect(judge(suiteOf({ ...ratio, against }), readings)[0]?.value).toBe(2);
    expect(judge(suiteOf({ ...ratio, against, bound: "at most" }), readings)[0]?.value).toBe(4);
  });

  test("fails an aim with the reason when a contestant could not run, also one of several", () => {
    const nobody = found({ ours: [400] }, { theirs: "apt-get install theirs" });
    const [verdict] = judge(suite, nobody);
    expect(verdict).toMatchObject({ met: false, reason: "theirs: apt-get install theirs" });
    expect(verdict && verdictText(verdict)).toContain("apt-get install theirs");
    expect(reportOf(suite, nobody)).toMatchObject({
      ok: false,
      unavailable: { theirs: "apt-get install theirs" },
    });
    const against = ["theirs", "others"];
    const one = found({ ours: [400], others: [1] }, { theirs: "gone" });
    expect(judge(suiteOf({ ...ratio, against }), one)[0]?.met).toBe(false);
  });

  test("fails an aim when a contestant gave no reading, whatever the bound", () => {
    expect(judge(suite, found({ theirs: [100] }))[0]).toMatchObject({
      met: false,
      reason: "ours: gave no reading",
    });
    const atMost = suiteOf({ ...ratio, bound: "at most" });
    expect(judge(atMost, found({ theirs: [100] }))[0]?.met).toBe(false);
  });

  test("shows what is beside without judging it", () => {
    const beside = suiteOf({ ...ratio, beside: ["others"] });
    const [verdict] = judge(beside, found({ ours: [400], theirs: [100], others: [10] }));
    expect(verdict).toMatchObject({ met: true, beside: { others: 0.1 } });
  });

  test("ends in one object with the verdicts by the names that every measuring command uses, and more beside", () => {
    const report = reportOf(suite, found({ ours: [500], theirs: [100] }));
    expect(JSON.parse(JSON.stringify(report))).toEqual({
      ok: true,
      aims: [
        { name: "ours ÷ theirs, events/s", bound: "at least", target: 4, value: 5, met: true },
      ],
      suite: "test",
      repetitions: 2,
      foreign: 0,
      unavailable: {},
      medians: {
        ours: { "events/s": 500 },
        theirs: { "events/s": 100 },
        others: { "events/s": null },
      },
    });
  });

  test("says how disturbed a run was by the median of what others used", () => {
    const reading = { contestant: "ours", measure: "events/s", value: 1 };
    const readings = [0.1, 0.9, 0.2].map((foreign) => ({ ...reading, foreign }));
    expect(disturbanceOf([...readings, reading])).toBe(0.2);
    expect(disturbanceOf([reading])).toBe(0);
  });

  test("shows a value with the decimals of its measure", () => {
    expect(shown({ name: "CPU µs/event", decimals: 2 }, 2.8049)).toBe("2.80");
    expect(shown({ name: "events/s", decimals: 0 }, 1_234.5)).toBe("1,235");
  });

  test("shows each contestant with the ratio of the first to it, and a dash for what is missing", () => {
    const text = table(suite, found({ ours: [400], theirs: [100] }).readings);
    expect(text).toContain("100 (4.00×)");
    expect(text).toMatch(/^others +– *$/m);
  });
});
