/** What a candidate decides, given who else stands and who leads. */
import { expect, test } from "@jest/globals";
import { createCodec } from "@foundation/core";
import type { KeyValue } from "../../../../src/engine/engine.js";
import { Ballot, type CandidateNote } from "../../../../src/recipes/elections/ballot.js";
import { scoreOf } from "../../../../src/recipes/elections/preference.js";

const codec = createCodec();
const times = { claimStepMs: 500, settleMs: 3_000, margin: 1 };

function noteOf(id: string, score: number): CandidateNote {
  return { id, client: id, score, lease: "1" };
}

function pair(key: string, note: CandidateNote, revision: number): KeyValue {
  const value = codec.encode(note);
  return { key, value, createRevision: revision, modRevision: revision, version: 1, lease: "1" };
}

function ballotOf(own: string, ...candidates: readonly (readonly [string, number])[]): Ballot {
  const ballot = new Ballot(own, "leader", times, (value) => codec.decode(value) as CandidateNote);
  for (const [at, [id, score]] of candidates.entries())
    ballot.put(pair(id, noteOf(id, score), at + 1));
  return ballot;
}

test("the best candidate claims at once, the next ones later in turn", () => {
  const all = [
    ["a", 1],
    ["b", 5],
    ["c", 1],
  ] as const;
  expect(ballotOf("b", ...all).decide(100)).toEqual({ type: "claim" });
  expect(ballotOf("a", ...all).decide(100)).toEqual({ type: "wait", wakeAtMs: 600 });
  const last = ballotOf("c", ...all);
  expect(last.decide(100)).toEqual({ type: "wait", wakeAtMs: 1_100 });
  expect(last.decide(1_100)).toEqual({ type: "claim" });
});

test("while another leads one follows, and a later vacancy begins its own time", () => {
  const ballot = ballotOf("a", ["a", 1], ["b", 2]);
  expect(ballot.decide(0)).toEqual({ type: "wait", wakeAtMs: 500 });
  ballot.put(pair("leader", noteOf("b", 2), 10));
  expect(ballot.decide(600)).toEqual({ type: "follow" });
  ballot.remove("leader");
  expect(ballot.decide(900)).toEqual({ type: "wait", wakeAtMs: 1_400 });
});

test("a leader gives way to one better by more than the margin, after it has been there for a while", () => {
  const ballot = ballotOf("a", ["a", 1], ["b", 2]);
  ballot.put(pair("leader", noteOf("a", 1), 10));
  expect(ballot.decide(0)).toEqual({ type: "lead", token: 10, wakeAtMs: undefined });
  ballot.put(pair("c", noteOf("c", 3), 11));
  expect(ballot.decide(1_000)).toEqual({ type: "lead", token: 10, wakeAtMs: 4_000 });
  ballot.remove("c");
  expect(ballot.decide(3_000)).toEqual({ type: "lead", token: 10, wakeAtMs: undefined });
  ballot.put(pair("c", noteOf("c", 3), 12));
  expect(ballot.decide(4_000)).toEqual({ type: "lead", token: 10, wakeAtMs: 7_000 });
  expect(ballot.decide(7_000)).toMatchObject({ type: "hand-over", token: 10, to: { id: "c" } });
});

test("one whose entry is gone is out", () => {
  const ballot = ballotOf("a", ["a", 1]);
  ballot.reset([]);
  expect(ballot.decide(0)).toEqual({ type: "out" });
});

test("a preference is a number, or the sum of the rules that the labels meet", () => {
  const rules = [
    { label: "zone", is: "x", weight: 10 },
    { label: "role", is: "db" },
  ];
  expect(scoreOf(rules, { zone: "x", role: "db" })).toBe(11);
  expect(scoreOf(rules, { zone: "y", role: "db" })).toBe(1);
  expect(scoreOf(rules, {})).toBe(0);
  expect(scoreOf(7, {})).toBe(7);
  expect(() => scoreOf(Number.NaN, {})).toThrow("preference");
});
