/** Which acknowledged writes count as lost. */
import { describe, expect, test } from "@jest/globals";
import type { HistoryOperation } from "@foundation/testkit";
import { lostWrites } from "../../src/consensus/losses.js";
import type { Input, Output } from "../../src/consensus/messages.js";

type Operation = HistoryOperation<Input, Output>;
type Span = readonly [startedAt: number, endedAt: number];

const put = (value: string, [startedAt, endedAt]: Span, key = "k"): Operation => {
  return { process: "p", key, input: { type: "put", value }, startedAt, endedAt };
};
const removed = ([startedAt, endedAt]: Span): Operation => {
  const input = { type: "delete" } as const;
  return { process: "p", key: "k", input, output: true, startedAt, endedAt };
};
const read = (output: string | null, [startedAt, endedAt]: Span, key = "k"): Operation => {
  return { process: "p", key, input: { type: "get" }, output, startedAt, endedAt };
};

describe("an acknowledged write is lost", () => {
  test("when the last read gives what it had replaced", () => {
    const history = [put("a", [0, 1]), put("b", [2, 3]), read("a", [9, 10])];
    expect(lostWrites(history)).toEqual(["k"]);
  });

  test("when nothing is there, and nobody removed it", () => {
    expect(lostWrites([put("a", [0, 1]), read(null, [9, 10])])).toEqual(["k"]);
  });

  test("when there is something that nobody wrote", () => {
    expect(lostWrites([put("a", [0, 1]), read("z", [9, 10])])).toEqual(["k"]);
  });
});

describe("no acknowledged write is lost", () => {
  test("when the one that is there was under way at the same time", () => {
    const history = [put("a", [0, 5]), put("b", [2, 3]), read("a", [9, 10])];
    expect(lostWrites(history)).toEqual([]);
  });

  test("when one whose outcome nobody knows may have come later", () => {
    const history = [put("a", [0, Infinity]), put("b", [2, 3]), read("a", [9, 10])];
    expect(lostWrites(history)).toEqual([]);
  });

  test("when it was removed", () => {
    expect(lostWrites([put("a", [0, 1]), removed([2, 3]), read(null, [9, 10])])).toEqual([]);
  });

  test("when a comparison that failed would have replaced it", () => {
    const input = { type: "compareAndSet", expected: "x", value: "y" } as const;
    const failed: Operation = {
      ...{ process: "p", key: "k", input, output: false },
      ...{ startedAt: 2, endedAt: 3 },
    };
    expect(lostWrites([put("a", [0, 1]), failed, read("a", [9, 10])])).toEqual([]);
  });

  test("of another key", () => {
    const history = [put("a", [0, 1]), put("b", [2, 3], "other"), read("a", [9, 10])];
    expect(lostWrites([...history, read("b", [9, 10], "other")])).toEqual([]);
  });
});
