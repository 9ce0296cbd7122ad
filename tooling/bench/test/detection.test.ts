import { describe, expect, test } from "@jest/globals";
import type { Trial } from "../src/detection/trials.js";
import { knownInTime, pausesSurvived } from "../src/detection/verdicts.js";

const bounds = { medianS: 1.5, worstS: 3 };
const known = (...allKnowMs: number[]): Trial[] =>
  allKnowMs.map((ms) => ({ firstSuspectMs: ms, firstDeadMs: ms, allKnowMs: ms, wrong: 0 }));
const met = (trials: readonly Trial[]) =>
  knownInTime("killed", trials, bounds).map((verdict) => verdict.met);

describe("the verdicts of the detection suite", () => {
  test("judge the median and the worst trial", () => {
    expect(met(known(1_000, 1_400, 2_900))).toEqual([true, true]);
    expect(met(known(1_000, 1_400, 3_100))).toEqual([true, false]);
    expect(met(known(1_600, 1_700, 2_900))).toEqual([false, true]);
  });

  test("fail when somebody never came to know, and when nothing was tried", () => {
    expect(met(known(1_000, 1_000, Number.POSITIVE_INFINITY))).toEqual([true, false]);
    expect(met([])).toEqual([false, false]);
    expect(pausesSurvived("paused", [], 1).met).toBe(false);
  });

  test("count the pauses that anybody took for a death, not the verdicts", () => {
    const pauses = [14, 1, 0].map((declaredDead) => ({ lengthMs: 5_000, declaredDead }));
    expect(pausesSurvived("paused", pauses, 1)).toMatchObject({ value: 2, met: false });
    expect(pausesSurvived("paused", pauses.slice(1), 1)).toMatchObject({ value: 1, met: true });
  });
});
