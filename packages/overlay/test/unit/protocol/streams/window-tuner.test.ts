import { describe, expect, test } from "@jest/globals";
import { FLOW } from "../../../../src/limits.js";
import { WindowBudget, WindowTuner } from "../../../../src/protocol/streams/window-tuner.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const options = {
  initialBytes: FLOW.streamWindowBytes,
  bytesMax: FLOW.streamWindowBytes * FLOW.windowGrowthMax,
  roundTripMsMin: FLOW.growRoundTripMsMin,
};

/** Consumes at a steady rate for a while, in pieces of 64 KiB; gives the window at the end. */
function play(tuner: WindowTuner, bytesPerMs: number, roundTripMs: number | undefined, ms: number) {
  const stepMs = (64 * KIB) / bytesPerMs;
  for (let now = 0; now <= ms; now += stepMs) tuner.consumed(64 * KIB, now, roundTripMs);
  return tuner.windowBytes;
}

/** What a transfer that only its window holds up consumes: one window in each round trip. */
function playWindowLimited(tuner: WindowTuner, roundTripMs: number, roundTrips: number, from = 0) {
  for (let i = from; i <= from + roundTrips; i += 1) {
    const half = tuner.windowBytes / 2;
    tuner.consumed(half, i * roundTripMs, roundTripMs);
    tuner.consumed(half, (i + 0.5) * roundTripMs, roundTripMs);
  }
  return tuner.windowBytes;
}

describe("a window tuner", () => {
  test("does not grow on loopback, however fast the consumer is", () => {
    for (const roundTripMs of [0.05, 0.1, 0.3]) {
      const tuner = new WindowTuner(options, new WindowBudget(FLOW.budgetBytesMax));
      expect(play(tuner, 2 * MIB, roundTripMs, 2_000)).toBe(256 * KIB);
    }
  });

  test("does not grow before a round trip is known", () => {
    const tuner = new WindowTuner(options, new WindowBudget(FLOW.budgetBytesMax));
    expect(play(tuner, MIB, undefined, 1_000)).toBe(256 * KIB);
  });

  test("does not grow for a slow consumer on a long way", () => {
    const tuner = new WindowTuner(options, new WindowBudget(FLOW.budgetBytesMax));
    // 1 MB/s over 100 ms: 100 KB are under way, less than half of the window.
    expect(play(tuner, 1_000, 100, 10_000)).toBe(256 * KIB);
  });

  test("grows to its cap within a second when the window holds up a transfer over 100 ms", () => {
    const tuner = new WindowTuner(options, new WindowBudget(FLOW.budgetBytesMax));
    expect(playWindowLimited(tuner, 100, 10)).toBe(4 * MIB);
  });

  test("stops once the window is more than twice what is under way", () => {
    const tuner = new WindowTuner(options, new WindowBudget(FLOW.budgetBytesMax));
    // 10 MB/s over 50 ms are 500 KB.
    const window = play(tuner, 10_000, 50, 10_000);
    expect(window).toBe(MIB);
    expect(window).toBeGreaterThanOrEqual(2 * 500_000);
  });

  test("goes by the shortest round trip it was told: queues only lengthen it", () => {
    const tuner = new WindowTuner(options, new WindowBudget(FLOW.budgetBytesMax));
    tuner.consumed(1, 0, 0.2);
    expect(play(tuner, MIB, 80, 2_000)).toBe(256 * KIB);
  });

  test("is not fooled by a burst after a pause", () => {
    const tuner = new WindowTuner(options, new WindowBudget(FLOW.budgetBytesMax));
    tuner.consumed(1_000, 0, 20);
    for (let i = 0; i < 4; i += 1) tuner.consumed(64 * KIB, 10_000 + i / 100, 20);
    expect(tuner.windowBytes).toBe(256 * KIB);
  });

  test("draws what it grows by from the budget, stays when that is empty, and gives it back once", () => {
    const budget = new WindowBudget(MIB);
    const first = new WindowTuner(options, budget);
    const second = new WindowTuner(options, budget);
    expect(playWindowLimited(first, 100, 20)).toBe(MIB);
    expect(budget.takenBytes).toBe(768 * KIB);
    expect(playWindowLimited(second, 100, 20)).toBe(512 * KIB);
    first.close();
    first.close();
    expect(budget.takenBytes).toBe(256 * KIB);
    expect(playWindowLimited(second, 100, 20, 21)).toBe(MIB);
    second.close();
    expect(budget.takenBytes).toBe(0);
    expect(playWindowLimited(second, 100, 20, 42)).toBe(MIB);
    expect(budget.takenBytes).toBe(0);
  });

  test("reaches a cap that is no power of two of its initial size", () => {
    const budget = new WindowBudget(FLOW.budgetBytesMax);
    const tuner = new WindowTuner({ ...options, bytesMax: 600 * KIB }, budget);
    expect(playWindowLimited(tuner, 100, 20)).toBe(600 * KIB);
    tuner.close();
    expect(budget.takenBytes).toBe(0);
  });
});
