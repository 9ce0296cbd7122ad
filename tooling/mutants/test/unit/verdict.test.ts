/** What a hunt's verdicts add up to, and what it may be asked. */
import { describe, expect, test } from "@jest/globals";
import { catalogue } from "../../src/catalogue/index.js";
import { orderOf } from "../../src/order.js";
import { checkOf, reportOf, type Verdict } from "../../src/verdict.js";

const verdict = (name: string, caught: boolean): Verdict => ({
  name,
  caught,
  seeds: 3,
  cpuMs: 1,
  ...(caught ? { seed: `mutant-${name}-3`, check: "calls: twice" } : { why: "nothing broke" }),
});
const fifteen = (missed: number): readonly Verdict[] =>
  Array.from({ length: 15 }, (_, index) => verdict(`m${index}`, index >= missed));
const none = new Set<string>();

describe("a report", () => {
  test("is well with fourteen of fifteen caught, and not with thirteen", () => {
    expect(reportOf(fifteen(1), none, 15)).toMatchObject({ ok: true });
    expect(reportOf(fifteen(2), none, 15)).toMatchObject({ ok: false });
  });

  test("counts no catch whose seed fails without the mutant too", () => {
    const report = reportOf(fifteen(0), new Set(["mutant-m4-3"]), 15);
    expect(report.ok).toBe(false);
    expect(report.mutants[4]).toMatchObject({ caught: false });
  });

  test("asks for fifteen mutants of a whole catalogue, and for all of some that were picked", () => {
    expect(reportOf([verdict("a", true)], none, 1).ok).toBe(false);
    expect(reportOf([verdict("a", true)], none, 15).ok).toBe(true);
    expect(reportOf([verdict("a", false)], none, 15).ok).toBe(false);
  });
});

test("a check is told in one line, with the first thing it found", () => {
  expect(checkOf("calls: while faults rage:\n  a ran twice\n  b too")).toBe(
    "calls: while faults rage: a ran twice",
  );
  expect(checkOf("directories: they do not agree\nn1: …")).toBe("directories: they do not agree");
});

describe("an order", () => {
  test("is the whole catalogue with 150 seeds unless it says otherwise", () => {
    const mutants = catalogue;
    expect(orderOf([])).toEqual({ mutants, seeds: 150, budgetMs: 60_000, jobs: 2, json: false });
    expect(orderOf(["--only", "loser-runs-on", "--seeds", "3", "--json"])).toMatchObject({
      mutants: [{ name: "loser-runs-on" }],
      seeds: 3,
      json: true,
    });
  });

  test("is told what is wrong with it", () => {
    expect(orderOf(["--only", "nobody"])).toMatch('found "nobody"; there are refutes-');
    expect(orderOf(["--nodes", "3"])).toMatch("--nodes");
    expect(orderOf(["--seeds", "0"])).toBe('--seeds takes a whole number above 0, found "0".');
  });
});
