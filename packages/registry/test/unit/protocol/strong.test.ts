import { describe, expect, test } from "@jest/globals";
import { compareVersions, startSpec, stoppedSpec } from "../../../src/protocol/child-spec.js";
import {
  claimRank,
  Holdings,
  parseHolder,
  strongStart,
  strongTakeover,
  type Holding,
} from "../../../src/protocol/strong.js";
import { decide, type View } from "../../../src/protocol/takeover.js";
import { isIn, member, owner, spec } from "./cast.js";

const rules = { consistency: "strong" } as const;
const held = (node: number) => ({ ...owner(node), definition: "counter" });
const owned = (name: string, token: number, node: number) =>
  ({ type: "owned", owner: { name, token, data: held(node) } }) as const;

describe("the version of a strong child", () => {
  const request = { ...spec({ rules }) };

  test("is that of its claim, so the later claim is the greater version, whoever knew of whom", () => {
    const first = strongStart(request, owner(9), undefined, 5);
    const taken = strongTakeover(first, owner(1), 8);
    // The starter of the third claim has heard of nothing.
    const unaware = strongStart(request, owner(2), undefined, 12);
    expect(compareVersions(taken, first)).toBeGreaterThan(0);
    expect(compareVersions(unaware, taken)).toBeGreaterThan(0);
    expect(compareVersions(unaware, stoppedSpec(taken))).toBeGreaterThan(0);
  });

  test("is greater than that of an ordinary child it follows", () => {
    const before = { ...startSpec(request, owner(9), undefined), incarnation: 40, generation: 7 };
    const after = strongStart(request, owner(1), stoppedSpec(before), 3);
    expect(compareVersions(after, stoppedSpec(before))).toBeGreaterThan(0);
  });
});

describe("what a watch of names tells", () => {
  test("nothing is known before the first snapshot, and then what is in none is free", () => {
    const holdings = new Holdings();
    expect(holdings.of("a")).toEqual({ type: "unknown" });
    expect(holdings.apply({ type: "snapshot", owners: [] })).toEqual([]);
    expect(holdings.of("a")).toEqual({ type: "free", lastToken: 0 });
  });

  test("a snapshot frees who is not in it, and names what changed", () => {
    const holdings = new Holdings();
    holdings.apply(owned("a", 3, 1));
    holdings.apply(owned("b", 4, 1));
    const owners = [owned("b", 6, 2).owner];
    expect(holdings.apply({ type: "snapshot", owners })).toEqual(["a", "b"]);
    expect(holdings.of("a")).toEqual({ type: "free", lastToken: 3 });
    expect(holdings.of("b")).toEqual({ type: "held", token: 6, owner: held(2) });
  });

  test("an older token changes nothing, whatever order the news come in", () => {
    const holdings = new Holdings();
    holdings.apply(owned("a", 6, 2));
    expect(holdings.apply(owned("a", 3, 1))).toEqual([]);
    expect(holdings.of("a")).toMatchObject({ token: 6 });
  });

  test("a name that something else than a process has is held by nobody it knows", () => {
    const holdings = new Holdings();
    holdings.apply({ type: "owned", owner: { name: "a", token: 1, data: "a lock" } });
    expect(holdings.of("a")).toEqual({ type: "held", token: 1, owner: undefined });
    expect(parseHolder({ ...owner(1), definition: 7 })).toBeUndefined();
  });

  test("only the latest owner that anybody knows of is found under the name", () => {
    const holdings = new Holdings();
    const written = spec({ rules, generation: 5, owner: owner(1) });
    expect(holdings.admits(owner(1), written)).toBe(true);
    expect(holdings.admits(owner(2), written)).toBe(false);
    holdings.apply(owned("orders", 5, 1));
    expect(holdings.admits(owner(1), written)).toBe(true);
    // The store knows of a later one than the spec.
    holdings.apply(owned("orders", 9, 2));
    expect(holdings.admits(owner(1), written)).toBe(false);
    expect(holdings.admits(owner(2), written)).toBe(true);
    holdings.apply({ type: "free", name: "orders" });
    expect(holdings.admits(owner(2), written)).toBe(false);
    // The spec knows of a later one than the store's watch has told yet.
    const later = strongTakeover(written, owner(3), 11);
    expect(holdings.admits(owner(3), later)).toBe(true);
    expect(holdings.admits(owner(2), later)).toBe(false);
  });

  test("a name is forgotten only while it is free", () => {
    const holdings = new Holdings();
    holdings.apply(owned("a", 3, 1));
    holdings.forget("a");
    expect(holdings.size).toBe(1);
    holdings.apply({ type: "free", name: "a" });
    holdings.forget("a");
    expect(holdings.size).toBe(0);
  });
});

describe("what a node decides about a strong child", () => {
  const members = [member(1), member(2), member(3)];
  const child = spec({ rules });
  const view = (self: number, holding: Holding | undefined, over: Partial<View> = {}): View => ({
    self: owner(self),
    members,
    isMember: isIn(members),
    defines: () => true,
    place: (_key, candidates) => candidates[1]?.id,
    ...(holding && { holding: () => holding }),
    ...over,
  });
  const free = { type: "free", lastToken: 1 } as const;

  test("nothing while its name is held, by whomever, or while nobody knows", () => {
    const others = members.slice(1);
    const orphaned = { members: others, isMember: isIn(others) };
    const by1: Holding = { type: "held", token: 1, owner: held(1) };
    expect(decide(child, undefined, view(2, by1, orphaned))).toBeUndefined();
    expect(decide(child, undefined, view(2, { type: "unknown" }, orphaned))).toBeUndefined();
    expect(decide(child, undefined, view(2, undefined, orphaned))).toBeUndefined();
  });

  test("a free name is asked for by all candidates, who is placed first and then in order", () => {
    expect(decide(child, undefined, view(2, free))).toEqual({
      type: "claim",
      spec: child,
      rank: 0,
    });
    expect(decide(child, undefined, view(1, free))).toMatchObject({ rank: 1 });
    expect(decide(child, undefined, view(3, free))).toMatchObject({ rank: 2 });
  });

  test("who is no candidate does not ask", () => {
    expect(decide(spec({ rules, on: owner(3).node }), undefined, view(2, free))).toBeUndefined();
    expect(claimRank(owner(2).node, undefined, [])).toBeUndefined();
  });

  test("one that stays is asked for by its own node only", () => {
    const stays = spec({ rules: { ...rules, partition: "stay" } });
    const partition = { side: { quorumForMs: 0, graceMs: 0 }, goneForMs: () => 0 };
    expect(decide(stays, undefined, view(2, free, { partition }))).toBeUndefined();
    expect(decide(stays, undefined, view(1, free, { partition }))).toMatchObject({
      type: "claim",
    });
  });

  test("a temporary one whose owner has gone is over", () => {
    const temporary = spec({ rules, restart: "temporary" });
    expect(decide(temporary, undefined, view(2, free))).toBeUndefined();
    const others = members.slice(1);
    const own = view(3, free, { members: others, isMember: isIn(others) });
    expect(decide(temporary, undefined, own)).toEqual({
      type: "write",
      spec: stoppedSpec(temporary),
    });
  });

  test("an instance ends when a later claim is known, and when it was stopped", () => {
    const local = strongTakeover(child, owner(1), 5);
    expect(decide(strongTakeover(local, owner(2), 8), local, view(1, free))).toMatchObject({
      type: "end",
      reason: "name-conflict",
    });
    expect(decide(stoppedSpec(local), local, view(1, free))).toMatchObject({ reason: "shutdown" });
  });
});
