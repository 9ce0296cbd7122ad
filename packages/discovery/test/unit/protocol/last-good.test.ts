import { describe, expect, test } from "@jest/globals";
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

  test("a peer goes after its misses in a row, and one good word resets them", () => {
    const good = new LastGood(3);
    good.take({ peers: [A, B] });
    good.take({ peers: [A] });
    good.take({ peers: [A] });
    good.take({ peers: [A, B] });
    good.take({ peers: [A] });
    expect(good.take({ peers: [A] }).peers).toEqual([A, B]);
    expect(good.take({ peers: [A] }).peers).toEqual([A]);
  });

  test("what is said of a peer is taken over: it drains", () => {
    const good = new LastGood();
    good.take({ peers: [A] });
    const draining = { ...A, draining: true as const };
    expect(good.take({ peers: [draining] }).peers).toEqual([draining]);
  });
});
