import { describe, expect, test } from "@jest/globals";
import { membershipTimes as times } from "../../../../src/protocol/membership/limits.js";
import { LocalHealth } from "../../../../src/protocol/membership/local-health.js";
import { suspicionMs } from "../../../../src/protocol/membership/suspicion.js";

describe("suspicionMs", () => {
  test("gives one accuser alone six times as long as two confirmations give", () => {
    expect(suspicionMs(0, 8, 10)).toBe(6 * times.suspicionBaseMs);
    expect(suspicionMs(2, 8, 10)).toBe(times.suspicionBaseMs);
    const one = suspicionMs(1, 8, 10);
    expect(one).toBeGreaterThan(times.suspicionBaseMs);
    expect(one).toBeLessThan(6 * times.suspicionBaseMs);
  });

  test("needs no confirmation where nobody could give one", () => {
    expect(suspicionMs(0, 0, 2)).toBe(times.suspicionBaseMs);
    expect(suspicionMs(1, 1, 3)).toBe(times.suspicionBaseMs);
  });

  test("grows with the logarithm of the cluster, beyond ten", () => {
    const { suspicionBaseMs, suspicionGrowth } = times;
    expect(suspicionMs(2, 8, 10)).toBe(suspicionBaseMs);
    expect(suspicionMs(2, 98, 100)).toBeCloseTo((1 + suspicionGrowth) * suspicionBaseMs);
    expect(suspicionMs(2, 998, 1_000)).toBeCloseTo((1 + 2 * suspicionGrowth) * suspicionBaseMs);
  });
});

describe("LocalHealth", () => {
  test("waits longer the worse it is, within its bounds", () => {
    const health = new LocalHealth();
    health.better();
    expect(health.patience).toBe(1);
    for (let count = 0; count < 20; count += 1) health.worse();
    expect(health.patience).toBe(9);
    health.better();
    expect(health.score).toBe(7);
  });

  test("withholds verdicts after a long hold-up only, and for a while", () => {
    const health = new LocalHealth();
    expect(health.held(times.lagNoticeMs - 1, 0)).toBe(false);
    expect(health.score).toBe(0);
    expect(health.held(times.lagNoticeMs, 0)).toBe(false);
    expect(health.score).toBe(1);
    expect(health.canJudge(0)).toBe(true);
    expect(health.held(times.lagVerdictMs, 100)).toBe(true);
    expect(health.canJudge(100 + times.lagGraceMs - 1)).toBe(false);
    expect(health.heldForMs(100)).toBe(times.lagGraceMs);
    expect(health.canJudge(100 + times.lagGraceMs)).toBe(true);
  });
});
