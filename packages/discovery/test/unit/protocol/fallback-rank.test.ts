import { describe, expect, test } from "@jest/globals";
import { FallbackRank, type FallbackEffect } from "../../../src/protocol/fallback-rank.js";

const TIMES = { stepDownAfterMs: 15_000, stepBackAfterMs: 60_000 };
const A = [{ address: "ws://10.0.0.1:4100" }];
const B = [{ address: "ws://10.0.0.2:4100" }];

function rankOf(count = 2) {
  const rank = new FallbackRank(count, TIMES);
  const began = rank.handle({ type: "begin" }, 0);
  const without = (effects: readonly FallbackEffect[]) =>
    effects.filter(({ type }) => type !== "timer");
  return {
    rank,
    began: without(began),
    set: (of: number, peers: typeof A, nowMs: number) =>
      without(rank.handle({ type: "set", rank: of, peers }, nowMs)),
    problem: (of: number, nowMs: number) =>
      without(rank.handle({ type: "problem", rank: of }, nowMs)),
    sign: (of: number, nowMs: number) => without(rank.handle({ type: "sign", rank: of }, nowMs)),
    tick: (nowMs: number) => without(rank.handle({ type: "tick" }, nowMs)),
  };
}

/** Rank 0 answered at 0 and failed from 1 s on; rank 1 was started, answered and is believed at 17 s. */
function steppedDown() {
  const all = rankOf();
  all.set(0, A, 0);
  all.problem(0, 1_000);
  expect(all.tick(16_000)).toEqual([{ type: "start", rank: 1 }]);
  expect(all.set(1, B, 17_000)).toEqual([
    { type: "stepped", from: 0, to: 1 },
    { type: "peers", peers: B },
  ]);
  return all;
}

describe("a ranked fallback", () => {
  test("runs only the best strategy while it is well", () => {
    const { began, set, tick, rank } = rankOf();
    expect(began).toEqual([{ type: "start", rank: 0 }]);
    expect(set(0, A, 10)).toEqual([{ type: "peers", peers: A }]);
    expect(tick(1e9)).toEqual([]);
    expect(rank.believed).toBe(0);
  });

  test("does not leave it for one failure that passes", () => {
    const { set, problem, sign, tick } = rankOf();
    set(0, A, 0);
    problem(0, 1_000);
    sign(0, 2_000);
    expect(tick(16_000)).toEqual([]);
    expect(tick(100_000)).toEqual([]);
  });

  test("keeps the old set until the next one has a good answer", () => {
    const { set, problem, tick } = rankOf();
    set(0, A, 0);
    problem(0, 1_000);
    expect(tick(15_999)).toEqual([]);
    expect(tick(16_000)).toEqual([{ type: "start", rank: 1 }]);
    expect(set(1, [], 16_100)).toEqual([]);
    expect(set(1, B, 20_000)).toEqual([
      { type: "stepped", from: 0, to: 1 },
      { type: "peers", peers: B },
    ]);
  });

  test("counts no peace of a strategy from the time when it knew nobody", () => {
    const { set, sign, tick } = rankOf();
    set(0, [], 0);
    sign(0, 1_000);
    expect(tick(15_000)).toEqual([{ type: "start", rank: 1 }]);
    expect(set(1, B, 15_100)).toHaveLength(2);
    set(0, A, 15_200);
    expect(tick(75_199)).toEqual([]);
    expect(tick(75_200)).toContainEqual({ type: "stepped", from: 1, to: 0 });
  });

  test("goes on to the third when the second says nothing either", () => {
    const { set, problem, tick } = rankOf(3);
    set(0, A, 0);
    problem(0, 1_000);
    expect(tick(16_000)).toEqual([{ type: "start", rank: 1 }]);
    expect(tick(31_000)).toEqual([{ type: "start", rank: 2 }]);
    expect(set(2, B, 32_000)[0]).toEqual({ type: "stepped", from: 0, to: 2 });
  });

  test("starts the next at once while nobody is known and the best one fails", () => {
    const { problem } = rankOf();
    expect(problem(0, 100)).toEqual([{ type: "start", rank: 1 }]);
  });

  test("an answer that names nobody is offered when it is the first, and asks the next after a while", () => {
    const { set, tick } = rankOf();
    expect(set(0, [], 100)).toEqual([{ type: "peers", peers: [] }]);
    expect(tick(15_000)).toEqual([{ type: "start", rank: 1 }]);
    expect(set(1, B, 15_100)[1]).toEqual({ type: "peers", peers: B });
  });

  test("an answer that names nobody, where somebody was known, is a failure", () => {
    const { set, tick } = rankOf();
    set(0, A, 0);
    expect(set(0, [], 1_000)).toEqual([]);
    expect(tick(16_000)).toEqual([{ type: "start", rank: 1 }]);
  });

  test("steps back when the better one was well for long, and stops the other then", () => {
    const { sign, tick, rank } = steppedDown();
    sign(0, 100_000);
    expect(tick(159_999)).toEqual([]);
    expect(tick(160_000)).toEqual([
      { type: "stepped", from: 1, to: 0 },
      { type: "peers", peers: A },
      { type: "stop", rank: 1 },
    ]);
    expect(rank.believed).toBe(0);
  });

  test("offers the newest set of the better one when it steps back", () => {
    const { set, tick } = steppedDown();
    expect(set(0, [...A, ...B], 100_000)).toEqual([]);
    expect(tick(160_000)[1]).toEqual({ type: "peers", peers: [...A, ...B] });
  });

  test("a better one that comes and goes is not followed", () => {
    const { problem, sign, tick, rank } = steppedDown();
    for (let atMs = 100_000; atMs < 1_000_000; atMs += 50_000) {
      sign(0, atMs);
      expect(tick(atMs + 40_000)).toEqual([]);
      problem(0, atMs + 45_000);
    }
    expect(rank.believed).toBe(1);
  });

  test("when the next one fails as well, a better one need not prove itself for so long", () => {
    const { problem, sign, tick } = steppedDown();
    problem(1, 20_000);
    sign(0, 30_000);
    expect(tick(44_999)).toEqual([]);
    expect(tick(45_000)[0]).toEqual({ type: "stepped", from: 1, to: 0 });
  });

  test("what a strategy says after it was stopped changes nothing", () => {
    const { sign, set, problem, tick, rank } = steppedDown();
    sign(0, 100_000);
    tick(160_000);
    expect([set(1, B, 170_000), problem(1, 171_000)]).toEqual([[], []]);
    expect(rank.believed).toBe(0);
  });

  test("asks for a tick only later, never for now", () => {
    const rank = new FallbackRank(1, TIMES);
    rank.handle({ type: "begin" }, 0);
    for (const nowMs of [0, 1_000, 15_000, 16_000, 60_000, 61_000, 1e6]) {
      for (const effect of rank.handle({ type: "problem", rank: 0 }, nowMs)) {
        if (effect.type === "timer") expect(effect.atMs).toBeGreaterThan(nowMs);
      }
    }
  });
});
