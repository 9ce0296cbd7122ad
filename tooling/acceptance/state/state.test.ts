import { describe, expect, jest, test } from "@jest/globals";
import { playState } from "./play-state.js";
import { StateBook } from "./state-book.js";

// Virtual time; a machine that does other things too must not fail it.
jest.setTimeout(120_000);

describe("replicated state of all types under all faults", () => {
  test.each(["state-1", "state-2", "state-3", "state-4"])(
    "agrees after the heal, with nothing lost and nothing back (%s)",
    async (seed) => {
      const played = await playState({ seed, nodesMin: 3, nodesMax: 4, forMs: 15_000 });
      expect(played.violation).toBe(undefined);
      expect(played.writes).toBeGreaterThan(50);
    },
  );
});

describe("the book of replicated state", () => {
  test("finds what is lost, what is back, and what nobody wrote", () => {
    const book = new StateBook();
    const up = new Set(["a#1"]);
    const kept = book.write("set", "a#1");
    const gone = book.write("set", "a#1");
    const durable = book.write("set", "b#1");
    const unsent = book.write("set", "b#1");
    book.removed([gone], "a#1");
    book.durable(durable);
    expect(book.judge("set", [kept, durable], up)).toEqual([]);
    expect(book.judge("set", [kept, durable, unsent], up)).toEqual([]);
    expect(book.judge("set", [durable], up)).toEqual([`${kept}, written by a#1, is lost`]);
    expect(book.judge("set", [kept], up)).toEqual([`${durable}, written by b#1, is lost`]);
    expect(book.judge("set", [kept, gone, durable], up)).toEqual([
      `${gone} is back, which a#1 removed`,
    ]);
    expect(book.judge("set", [kept, durable, "x-9"], up)).toEqual(["nobody wrote x-9 in set"]);
  });

  test("adds up what the living counted, and any beginning of what the dead did", () => {
    const book = new StateBook();
    const up = new Set(["a#1"]);
    book.counted("n", "a#1", 5);
    book.counted("n", "b#1", 2);
    book.counted("n", "b#1", -4);
    for (const value of [3, 5, 7]) expect(book.judgeCount("n", value, up)).toEqual([]);
    expect(book.judgeCount("n", 2, up)).toEqual(["n is 2 and must be from 3 to 7"]);
    expect(book.judgeCount("n", 8, up)).toEqual(["n is 8 and must be from 3 to 7"]);
  });
});
