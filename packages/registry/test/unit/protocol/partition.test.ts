import { describe, expect, test } from "@jest/globals";
import {
  count,
  isPartitionPolicy,
  isQuorum,
  mayRun,
  mayStart,
  mayTakeOver,
  type Electorate,
  type Side,
} from "../../../src/protocol/partition.js";
import { takeoverSpec } from "../../../src/protocol/child-spec.js";
import { decide, type View } from "../../../src/protocol/takeover.js";
import { isIn, member, owner, spec } from "./cast.js";

const there = (...names: readonly string[]) => names.map((name) => ({ id: `id-${name}`, name }));
const has = (electorate: Electorate, ...names: readonly string[]) =>
  isQuorum(count(electorate, there(...names)));

describe("a quorum", () => {
  test("is more than half of the list, whoever else is there", () => {
    const list = ["a", "b", "c"];
    expect(has(list, "a", "b")).toBe(true);
    expect(has(list, "a")).toBe(false);
    expect(has(list, "a", "x", "y", "z")).toBe(false);
  });

  test("of an even list is on neither side of a cut in half", () => {
    const list = ["a", "b", "c", "d"];
    expect(has(list, "a", "b")).toBe(false);
    expect(has(list, "c", "d")).toBe(false);
    expect(has(list, "a", "b", "c")).toBe(true);
  });

  test("of two is never on one side", () => {
    expect(has(["a", "b"], "a")).toBe(false);
    expect(has(2, "a")).toBe(false);
  });

  test("of nobody is never there", () => {
    expect(has([], "a")).toBe(false);
  });

  test("counts by name or by id, and nobody twice", () => {
    expect(has(["id-a", "b", "c"], "a", "b")).toBe(true);
    expect(count(["a", "a", "id-a"], there("a"))).toEqual({ present: 2, of: 2 });
    expect(has(3, "a", "b")).toBe(true);
    expect(count(3, [...there("a"), ...there("a")])).toEqual({ present: 1, of: 3 });
  });
});

const graceMs = 10;
const none: Side = { quorumForMs: undefined, graceMs };
const young: Side = { quorumForMs: 5, graceMs };
const settled: Side = { quorumForMs: 10, graceMs };

describe("a partition policy", () => {
  test("has a name", () => {
    expect(["run-anywhere", "quorum", "stay"].every(isPartitionPolicy)).toBe(true);
    expect(isPartitionPolicy("majority")).toBe(false);
  });

  test.each([
    ["run-anywhere", none, true, true],
    ["run-anywhere", settled, true, true],
    ["quorum", none, false, false],
    ["quorum", young, true, false],
    ["quorum", settled, true, true],
    ["stay", none, true, true],
  ] as const)("%s on a side with %j: goes on %s, starts again %s", (policy, side, runs, starts) => {
    expect(mayRun(policy, side)).toBe(runs);
    expect(mayStart(policy, side)).toBe(starts);
  });

  test.each([
    ["run-anywhere", none, 0, false, true],
    ["quorum", settled, 9, false, false],
    ["quorum", settled, 10, false, true],
    ["quorum", young, 10, false, false],
    ["quorum", none, 10, false, false],
    ["quorum", settled, 0, true, true],
    ["stay", settled, 1_000_000, false, false],
    ["stay", none, 0, true, true],
  ] as const)(
    "%s on a side with %j takes over from who is gone for %d ms (its own last start: %s): %s",
    (policy, side, goneForMs, isSelf, takes) => {
      expect(mayTakeOver(policy, side, { goneForMs, isSelf })).toBe(takes);
    },
  );
});

describe("what a node decides about a guarded child", () => {
  const members = [member(2), member(3)];
  const view = (side: Side, goneForMs = graceMs, over: Partial<View> = {}): View => ({
    self: owner(2),
    members,
    isMember: isIn(members),
    defines: () => true,
    place: (_key, candidates) => candidates[0]?.id,
    partition: { side, goneForMs: () => goneForMs },
    ...over,
  });
  const guarded = spec({ rules: { partition: "quorum" } });

  test("an instance without a quorum ends, and its spec stays", () => {
    const local = spec({ owner: owner(2), rules: { partition: "quorum" } });
    expect(decide(local, local, view(none))).toEqual({ type: "end", reason: "shutdown" });
    expect(decide(local, local, view(young))).toBeUndefined();
    expect(decide(local, undefined, view(young))).toBeUndefined();
    expect(decide(local, undefined, view(settled))).toEqual({ type: "start", spec: local });
  });

  test("a child whose owner is gone waits for the grace period, and for a quorum that lasts", () => {
    const taken = { type: "take-over", spec: takeoverSpec(guarded, owner(2)) };
    expect(decide(guarded, undefined, view(settled))).toEqual(taken);
    expect(decide(guarded, undefined, view(settled, graceMs - 1))).toBeUndefined();
    expect(decide(guarded, undefined, view(young))).toBeUndefined();
    expect(decide(guarded, undefined, view(none))).toBeUndefined();
  });

  test("a child without a policy waits for nothing", () => {
    const taken = { type: "take-over", spec: takeoverSpec(spec(), owner(2)) };
    expect(decide(spec(), undefined, view(none, 0))).toEqual(taken);
  });

  test("a child that stays is taken over by nobody but its own node's next start", () => {
    const stays = spec({ rules: { partition: "stay" } });
    expect(decide(stays, undefined, view(settled, 1_000_000))).toBeUndefined();
    const back = [member(1, { bootNumber: 2 }), member(2)];
    const over = { members: back, isMember: isIn(back) };
    expect(decide(stays, undefined, view(settled, 1_000_000, over))).toBeUndefined();
    // Also where the placement would name another one first.
    const last: View["place"] = (_key, candidates) => candidates.at(-1)?.id;
    const own = view(none, 0, { ...over, self: owner(1, 2), place: last });
    expect(decide(stays, undefined, own)).toEqual({
      type: "take-over",
      spec: takeoverSpec(stays, owner(1, 2)),
    });
  });
});
