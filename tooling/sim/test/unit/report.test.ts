import { describe, expect, test } from "@jest/globals";
import { withReplay } from "../../src/hunt.js";
import { aimText, atLeast, atMost, figureText, reportOf } from "../../src/report.js";
import { outcomeWithout, type Outcome } from "../../src/task.js";

const options = { seed: "a-1", nodesMin: 3, nodesMax: 5, forMs: 2_500 };
const outcome: Outcome = {
  ...outcomeWithout({ type: "stack", options }, "", 10),
  hash: "0123456789abcdef",
  violation: undefined,
  virtualMs: 61_000,
  calls: 4,
};
const hunted = { played: [outcome, outcome], failedSeeds: [], wallMs: 1_260 };

describe("the report", () => {
  test("sums up what was played", () => {
    const aims = [atMost("violations", 0, 0)];
    expect(reportOf(hunted, aims, false)).toEqual({
      ok: true,
      aims: [{ name: "violations", target: 0, value: 0, met: true }],
      seeds: 2,
      failedSeeds: [],
      virtualSeconds: 122,
      seconds: 1.3,
      events: 0,
      faults: 0,
      calls: 8,
      published: 0,
    });
  });

  test("is not ok when an aim is not met, or when it was interrupted", () => {
    expect(reportOf(hunted, [atMost("violations", 0, 1)], false).ok).toBe(false);
    expect(reportOf(hunted, [], true)).toMatchObject({ ok: false, interrupted: true });
  });

  test("has the figures beside the aims, and they decide nothing", () => {
    const figures = [{ name: "join: seconds", value: 7.5 }];
    expect(reportOf(hunted, [], false, figures)).toMatchObject({ ok: true, figures });
    expect(figures.map(figureText)).toEqual(["· join: seconds: 7.5"]);
  });

  test("gives the hash of a single seed", () => {
    const one = reportOf({ ...hunted, played: [outcome] }, [], false);
    expect(one.hash).toBe("0123456789abcdef");
  });

  test("has no value for what could not be measured, and does not call it met", () => {
    const aim = atMost("seconds", 60, undefined);
    expect(aim).toEqual({ name: "seconds", target: 60, value: null, met: false });
    expect(atLeast("rate", 60, undefined).met).toBe(false);
    expect(aimText(aim)).toBe("✗ seconds: not measured (aim 60)");
  });

  test("counts a value at its target as met, from either side", () => {
    expect([atLeast("a", 60, 60).met, atLeast("a", 60, 59).met]).toEqual([true, false]);
    expect([atMost("a", 60, 60).met, atMost("a", 60, 61).met]).toEqual([true, false]);
  });
});

describe("a violation", () => {
  test("gets the command that replays it when a lost worker could not say it", () => {
    const command = "replay: SEED=a-1 npm run sim -- --nodes 3..5 --for 2.5s";
    expect(withReplay("the worker died", options)).toBe(`the worker died\n${command}`);
  });

  test("keeps its own", () => {
    const own = "calls after the heal\nreplay: SEED=a-1 npm run sim -- --nodes 3";
    expect(withReplay(own, options)).toBe(own);
  });
});
