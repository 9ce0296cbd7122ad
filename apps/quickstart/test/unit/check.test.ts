import { describe, expect, test } from "@jest/globals";
import { judge } from "../../src/check.js";
import type { ScenarioResult } from "../../src/scenario.js";

const good: ScenarioResult = {
  calls: 100,
  ok: 98,
  unknown: 2,
  refused: 0,
  lost: 0,
  duplicated: 0,
  misreported: 0,
  formationMs: 500,
  failoverMs: 1_200,
  received: 290,
  receivedTwice: 0,
};

describe("the verdict of the check", () => {
  test("all aims met is ok, and figures are medians over the runs", () => {
    const result = judge([good, { ...good, formationMs: 900 }, { ...good, formationMs: 700 }]);
    expect(result).toMatchObject({ ok: true, runs: 3, formationMs: 700, calls: 300, unknown: 6 });
  });

  test.each([
    ["a lost call", { lost: 1 }],
    ["a call that ran twice", { duplicated: 1 }],
    ["a refused call that ran", { misreported: 1 }],
    ["a message received twice", { receivedTwice: 1 }],
    ["a formation of a second", { formationMs: 1_000 }],
    ["a fail-over of five seconds", { failoverMs: 5_000 }],
  ])("%s fails the check and stays in the list of aims", (_name, change) => {
    const result = judge([{ ...good, ...change }]);
    expect(result.ok).toBe(false);
    expect(result.aims.filter((aim) => !aim.met)).toHaveLength(1);
    expect(result.aims).toHaveLength(6);
  });

  test("one slow fail-over among fast ones is not hidden by the median", () => {
    expect(judge([good, good, { ...good, failoverMs: 9_000 }]).ok).toBe(false);
  });
});
