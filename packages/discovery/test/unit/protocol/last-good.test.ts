import { describe, expect, test } from "@jest/globals";
import { discoveryLimits } from "../../../src/limits.js";
import { LastGood } from "../../../src/protocol/last-good.js";

const [A, B, C] = ["a", "b", "c"].map((name) => ({ address: `ws://${name}:1` })) as [
  { address: string },
  { address: string },
  { address: string },
];

describe("the last good set", () => {
  test("an empty answer is doubted and changes nothing, but a first one stands", () => {
    const good = new LastGood();
    expect(good.take({ peers: [] })).toEqual({ peers: [] });
    good.take({ peers: [A, B] });
    for (let answers = 0; answers < 10; answers += 1) {
      expect(good.take({ peers: [] })).toEqual({ peers: [A, B], doubt: "empty" });
    }
  });

  test("a partial answer adds at once and never takes away", () => {
    const good = new LastGood();
    good.take({ peers: [A, B] });
    for (let answers = 0; answers < 10; answers += 1) {
      const verdict = good.take({ peers: [C], partial: "one of two look-ups failed" });
      expect(verdict).toEqual({ peers: [A, B, C], doubt: "partial" });
    }
  });

  test("a partial answer of nobody is called what it is", () => {
    const good = new LastGood();
    good.take({ peers: [A] });
    expect(good.take({ peers: [], partial: "away" })).toEqual({ peers: [A], doubt: "partial" });
  });

  test("answers that are always partial keep no newcomer out: the longest unnamed makes room", () => {
    const good = new LastGood();
    const { peersMax } = discoveryLimits;
    const at = (i: number) => ({ address: `ws://n${i}:1` });
    const old = Array.from({ length: peersMax }, (_, i) => at(i));
    expect(good.take({ peers: old }).peers).toHaveLength(peersMax);
    const { peers } = good.take({ peers: [at(0), A], partial: "always" });
    expect(peers).toHaveLength(peersMax);
    expect(peers).toEqual(expect.arrayContaining([A, at(0), at(2)]));
    expect(peers).not.toContainEqual(at(1));
    expect(good.take({ peers: [...old, B, C] }).peers).toHaveLength(peersMax);
  });

  test("a peer goes after its misses in a row, and one good word resets them", () => {
    const good = new LastGood(3);
    good.take({ peers: [A, B] });
    good.take({ peers: [A] });
    good.take({ peers: [A] });
    good.take({ peers: [A, B] });
    good.take({ peers: [A] });
    expect(new Set(good.take({ peers: [A] }).peers)).toEqual(new Set([A, B]));
    expect(good.take({ peers: [A] }).peers).toEqual([A]);
  });

  test("what is said of a peer is taken over: it drains", () => {
    const good = new LastGood();
    good.take({ peers: [A] });
    const draining = { ...A, draining: true as const };
    expect(good.take({ peers: [draining] }).peers).toEqual([draining]);
  });
});
