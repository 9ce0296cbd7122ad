import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  FallbackRank,
  type FallbackEffect,
  type FallbackInput,
} from "../../src/protocol/fallback-rank.js";

const COUNT = 3;
const TIMES = { stepDownAfterMs: 15, stepBackAfterMs: 60 };

const happening = fc.record({
  afterMs: fc.integer({ min: 0, max: 30 }),
  rank: fc.integer({ min: 0, max: COUNT - 1 }),
  what: fc.constantFrom("set", "empty", "problem", "problem", "sign"),
});

interface Heard {
  readonly nowMs: number;
  readonly input: FallbackInput;
  readonly effects: readonly FallbackEffect[];
}

/** Plays it, with every tick that was asked for, and gives what went in and came out. */
function play(happenings: readonly { afterMs: number; rank: number; what: string }[]) {
  const rank = new FallbackRank(COUNT, TIMES);
  const heard: Heard[] = [];
  let timerMs: number | undefined;
  const hear = (input: FallbackInput, nowMs: number): void => {
    const effects = rank.handle(input, nowMs);
    heard.push({ nowMs, input, effects });
    timerMs = undefined;
    for (const effect of effects) if (effect.type === "timer") timerMs = effect.atMs;
    if (timerMs !== undefined) expect(timerMs).toBeGreaterThan(nowMs);
  };
  const ticksUntil = (untilMs: number): void => {
    while (timerMs !== undefined && timerMs <= untilMs) hear({ type: "tick" }, timerMs);
  };
  hear({ type: "begin" }, 0);
  let nowMs = 0;
  for (const { afterMs, rank: of, what } of happenings) {
    nowMs += afterMs;
    ticksUntil(nowMs);
    if (what === "problem" || what === "sign") hear({ type: what, rank: of }, nowMs);
    else {
      const peers = what === "empty" ? [] : [{ address: `ws://10.0.${of}.${nowMs % 250}:1` }];
      hear({ type: "set", rank: of, peers }, nowMs);
    }
  }
  return { rank, heard, nowMs, hear, ticksUntil };
}

const histories = fc.array(happening, { maxLength: 80 });

describe("a ranked fallback, whatever its strategies say", () => {
  test("once somebody was on offer there is never nobody on offer", () => {
    fc.assert(
      fc.property(histories, (happenings) => {
        const sets = play(happenings).heard.flatMap(({ effects }) =>
          effects.flatMap((each) => (each.type === "peers" ? [each.peers.length] : [])),
        );
        const first = sets.findIndex((length) => length > 0);
        if (first >= 0) expect(sets.slice(first)).not.toContain(0);
      }),
      { numRuns: 500 },
    );
  });

  test("a strategy that was left is not believed again before it kept the peace", () => {
    fc.assert(
      fc.property(histories, (happenings) => {
        const leftAtMs = new Map<number, number>();
        const problemAtMs = new Map<number, number>();
        for (const { nowMs, input, effects } of play(happenings).heard) {
          if (input.type === "problem") problemAtMs.set(input.rank, nowMs);
          for (const effect of effects) {
            if (effect.type !== "stepped" || effect.to > effect.from) continue;
            const peaceMs = nowMs - (problemAtMs.get(effect.to) ?? Number.NEGATIVE_INFINITY);
            expect(peaceMs).toBeGreaterThanOrEqual(TIMES.stepDownAfterMs);
            const awayMs = nowMs - (leftAtMs.get(effect.to) ?? Number.NEGATIVE_INFINITY);
            expect(awayMs).toBeGreaterThanOrEqual(TIMES.stepDownAfterMs);
          }
          for (const effect of effects) {
            if (effect.type === "stepped") leftAtMs.set(effect.from, nowMs);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test("strategies run from the best down without a gap, and who is believed runs", () => {
    fc.assert(
      fc.property(histories, (happenings) => {
        const { heard } = play(happenings);
        const running = new Set<number>();
        let believed = 0;
        for (const { effects } of heard) {
          for (const effect of effects) {
            if (effect.type === "start") running.add(effect.rank);
            if (effect.type === "stop") running.delete(effect.rank);
            if (effect.type === "stepped") believed = effect.to;
          }
          expect([...running].sort()).toEqual([...Array(running.size).keys()]);
          expect(running.has(believed)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("when the best one is well for good it is believed in the end, and runs alone", () => {
    fc.assert(
      fc.property(histories, (happenings) => {
        const { rank, nowMs, hear, ticksUntil, heard } = play(happenings);
        hear({ type: "set", rank: 0, peers: [{ address: "ws://10.9.9.9:1" }] }, nowMs + 1);
        ticksUntil(nowMs + 1 + TIMES.stepBackAfterMs);
        expect(rank.believed).toBe(0);
        const running = new Set<number>();
        for (const effect of heard.flatMap(({ effects }) => effects)) {
          if (effect.type === "start") running.add(effect.rank);
          if (effect.type === "stop") running.delete(effect.rank);
        }
        expect([...running]).toEqual([0]);
      }),
      { numRuns: 500 },
    );
  });
});
