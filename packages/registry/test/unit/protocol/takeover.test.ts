import { describe, expect, test } from "@jest/globals";
import type { Member } from "@foundation/core";
import { failedSpec, stoppedSpec, takeoverSpec } from "../../../src/protocol/child-spec.js";
import { decide, type View } from "../../../src/protocol/takeover.js";
import { isIn, member, owner, spec } from "./cast.js";

/** The view of one node; the placement takes the first candidate. */
function view(self: number, members: readonly Member[], over: Partial<View> = {}): View {
  return {
    self: owner(self),
    members,
    isMember: isIn(members),
    defines: () => true,
    place: (_key, candidates) => candidates[0]?.id,
    ...over,
  };
}

describe("what a node decides about a child", () => {
  test("a child whose owner lives is left to it", () => {
    expect(decide(spec(), undefined, view(2, [member(1), member(2)]))).toBeUndefined();
  });

  test("a child whose owner is gone is taken over by the node the placement names", () => {
    const members = [member(2), member(3)];
    expect(decide(spec(), undefined, view(2, members))).toEqual({
      type: "take-over",
      spec: takeoverSpec(spec(), owner(2)),
    });
    expect(decide(spec(), undefined, view(3, members))).toBeUndefined();
  });

  test("an owner that came back as another boot has lost its children", () => {
    const members = [member(1, { bootNumber: 2 }), member(2)];
    const own = view(1, members, { self: owner(1, 2) });
    expect(decide(spec(), undefined, own)).toMatchObject({
      type: "take-over",
      spec: { generation: 2, owner: owner(1, 2) },
    });
  });

  test("a node that does not define the process is passed over", () => {
    const members = [member(2), member(3)];
    const defines = (node: string) => node === owner(3).node;
    expect(decide(spec(), undefined, view(2, members, { defines }))).toBeUndefined();
    expect(decide(spec(), undefined, view(3, members, { defines }))).toMatchObject({
      type: "take-over",
    });
  });

  test("a draining node takes nothing over, and keeps what it owns until it hands it over", () => {
    const members = [member(2, { status: "draining" }), member(3)];
    expect(decide(spec(), undefined, view(3, members))).toMatchObject({ type: "take-over" });
    const owned = spec({ owner: owner(2) });
    expect(decide(owned, undefined, view(3, members))).toBeUndefined();
  });

  test("a child pinned to a node that is gone waits for it", () => {
    const pinned = spec({ on: owner(1).node });
    expect(decide(pinned, undefined, view(2, [member(2)]))).toBeUndefined();
  });

  test("a child with a role goes only to nodes that have it", () => {
    const members = [member(2), member(3, { roles: ["ai"] })];
    const child = spec({ on: { role: "ai" } });
    expect(decide(child, undefined, view(2, members))).toBeUndefined();
    expect(decide(child, undefined, view(3, members))).toMatchObject({ type: "take-over" });
  });

  test("a temporary child ends with its node", () => {
    const child = spec({ restart: "temporary" });
    expect(decide(child, undefined, view(2, [member(2)]))).toEqual({
      type: "write",
      spec: stoppedSpec(child),
    });
  });

  test("a stopped or failed child is started nowhere", () => {
    const members = [member(2)];
    expect(decide(stoppedSpec(spec()), undefined, view(2, members))).toBeUndefined();
    expect(decide(failedSpec(spec(), "x"), undefined, view(2, members))).toBeUndefined();
    const own = failedSpec(spec({ owner: owner(2) }), "x");
    expect(decide(own, undefined, view(2, members))).toBeUndefined();
  });

  test("an owner that does not run its child starts it", () => {
    const owned = spec({ owner: owner(2) });
    expect(decide(owned, undefined, view(2, [member(2)]))).toEqual({ type: "start", spec: owned });
  });

  test("an instance ends as soon as another owner holds a greater version", () => {
    const local = spec({ owner: owner(1) });
    const theirs = takeoverSpec(local, owner(2));
    expect(decide(theirs, local, view(1, [member(1), member(2)]))).toEqual({
      type: "end",
      reason: "name-conflict",
    });
  });

  test("an instance stays while its version is the greatest, also beside a lesser one", () => {
    const local = takeoverSpec(spec(), owner(2));
    expect(decide(local, local, view(2, [member(1), member(2)]))).toBeUndefined();
    expect(decide(spec(), local, view(2, [member(1), member(2)]))).toEqual({
      type: "write",
      spec: local,
    });
  });

  test("an instance whose spec is missing writes it again", () => {
    const local = spec();
    expect(decide(undefined, local, view(1, [member(1)]))).toEqual({ type: "write", spec: local });
  });

  test("a stopped child's instance is shut down", () => {
    expect(decide(stoppedSpec(spec()), spec(), view(1, [member(1)]))).toEqual({
      type: "end",
      reason: "shutdown",
    });
  });

  test("an instance of an older version does not go on as the newer one", () => {
    const old = spec({ owner: owner(1) });
    const again = takeoverSpec(takeoverSpec(old, owner(2)), owner(1));
    expect(decide(again, old, view(1, [member(1)]))).toEqual({
      type: "end",
      reason: "name-conflict",
    });
  });
});
