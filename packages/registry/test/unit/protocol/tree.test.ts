/** Places in a tree, ends of children, plans: as they travel and as they are read again. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { compareVersions, stoppedSpec } from "../../../src/protocol/child-spec.js";
import { parseSpec } from "../../../src/protocol/parse-spec.js";
import {
  compareSnapshots,
  droppedStamp,
  isSnapshotStamp,
  isUseless,
  snapshotStamp,
  type SnapshotStamp,
} from "../../../src/protocol/snapshot-stamp.js";
import { parseTreePlan, TREE, type TreePlan } from "../../../src/protocol/tree-plan.js";
import {
  endedAnew,
  endedSpec,
  isOver,
  parseTreePlace,
  withoutEnd,
  type TreePlace,
} from "../../../src/protocol/tree.js";
import { owner, spec } from "./cast.js";

const place: TreePlace = {
  supervisor: "pool",
  id: "a",
  incarnation: 2,
  generation: 3,
  order: 0,
  dynamic: false,
  managed: true,
  local: false,
  shutdownMs: 5_000,
};
const inTree = spec({ identity: "pool/a", rules: { tree: place } });
const tree = (fields: Parameters<typeof spec>[0]) =>
  spec({ identity: "pool", definition: TREE, incarnation: 2, generation: 3, ...fields });

describe("a place in a tree", () => {
  test("is read as it was written, with its end and without", () => {
    expect(parseTreePlace(place)).toEqual(place);
    expect(parseTreePlace({ ...place, ended: "held" })).toEqual({ ...place, ended: "held" });
    expect(parseSpec(endedSpec(inTree, "crashed", "boom"))).toEqual(
      endedSpec(inTree, "crashed", "boom"),
    );
  });

  test("of another form is none", () => {
    for (const key of Object.keys(place)) {
      expect(parseTreePlace({ ...place, [key]: null })).toBeUndefined();
    }
    expect(parseTreePlace({ ...place, ended: "asleep" })).toBeUndefined();
    fc.assert(
      fc.property(fc.anything(), (value) => {
        parseTreePlace(value);
        expect(isSnapshotStamp(value)).toBe(false);
        expect(parseTreePlan(value)).toBeUndefined();
      }),
    );
  });

  test("is over with its tree: with a stop, a failure and a later start of it, not with an earlier failure", () => {
    expect(isOver(undefined, place)).toBe(false);
    expect(isOver(tree({}), place)).toBe(false);
    expect(isOver(tree({ generation: 9 }), place)).toBe(false);
    expect(isOver(tree({ state: "failed" }), place)).toBe(true);
    expect(isOver(tree({ state: "failed", generation: 2 }), place)).toBe(false);
    expect(isOver(tree({ state: "stopped", generation: 1 }), place)).toBe(true);
    expect(isOver(tree({ incarnation: 3, generation: 1 }), place)).toBe(true);
    expect(isOver(tree({ incarnation: 1, state: "stopped" }), place)).toBe(false);
  });
});

describe("the end of a child", () => {
  test("outranks the start it ends, keeps the arguments, and gives way to the next start and to a stop", () => {
    const ended = endedSpec(inTree, "crashed", "boom");
    expect(ended.args).toEqual(inTree.args);
    expect(compareVersions(ended, inTree)).toBeGreaterThan(0);
    expect(compareVersions(stoppedSpec(ended), ended)).toBeGreaterThan(0);
    const anew = endedAnew(inTree, "told", owner(2));
    expect(compareVersions(anew, ended)).toBeGreaterThan(0);
    expect(anew.rules?.tree?.ended).toBe("told");
    expect(withoutEnd(anew).rules?.tree).toEqual(place);
  });
});

describe("a plan", () => {
  const plan: TreePlan = {
    strategy: "rest-for-one",
    maxRestarts: 3,
    withinMs: 5_000,
    backoffMs: 0,
    backoffMsMax: 0,
    childrenMax: 10,
    children: [
      {
        id: "a",
        definition: "counter",
        args: { from: 1 },
        restart: "transient",
        on: { role: "ai" },
        rules: { consistency: "strong" },
        distribute: true,
        shutdownMs: 100,
      },
    ],
  };

  test("is read as it was written", () => {
    expect(parseTreePlan(plan)).toEqual(plan);
  });

  test("with a part that cannot be read is none: never half understood", () => {
    const [first] = plan.children;
    const withChild = (more: object) =>
      parseTreePlan({ ...plan, children: [{ ...first, ...more }] });
    expect(withChild({ restart: "often" })).toBeUndefined();
    expect(withChild({ rules: { consistency: "weak" } })).toBeUndefined();
    expect(withChild({ id: "" })).toBeUndefined();
    expect(withChild({ shutdownMs: -1 })).toBeUndefined();
    expect(parseTreePlan({ ...plan, strategy: "all" })).toBeUndefined();
    expect(parseTreePlan({ ...plan, maxRestarts: "3" })).toBeUndefined();
    expect(parseTreePlan({ ...plan, children: [first, first] })).toBeUndefined();
  });
});

describe("stamps of snapshots", () => {
  const stamps: readonly SnapshotStamp[] = [
    snapshotStamp(spec({ generation: 1 }), 1),
    snapshotStamp(spec({ generation: 1 }), 2),
    snapshotStamp(spec({ generation: 1, owner: owner(2) }), 1),
    snapshotStamp(spec({ generation: 2 }), 1),
    droppedStamp(spec({}), 1),
    snapshotStamp(spec({ incarnation: 2 }), 1),
  ];

  test("have one order: count, owner, generation, the stop of an incarnation, incarnation", () => {
    for (const [index, stamp] of stamps.entries()) {
      expect(isSnapshotStamp(stamp)).toBe(true);
      for (const [other, against] of stamps.entries()) {
        expect(Math.sign(compareSnapshots(stamp, against))).toBe(Math.sign(index - other));
      }
    }
  });

  test("a snapshot is useless after a stop, a later start, and a failure that no supervisor answers", () => {
    expect(isUseless(1, spec({}))).toBe(false);
    expect(isUseless(1, spec({ state: "stopped" }))).toBe(true);
    expect(isUseless(1, spec({ incarnation: 2 }))).toBe(true);
    expect(isUseless(2, spec({ state: "stopped" }))).toBe(false);
    expect(isUseless(1, spec({ state: "failed" }))).toBe(true);
    expect(isUseless(1, spec({ state: "failed", rules: { tree: place } }))).toBe(false);
  });
});
