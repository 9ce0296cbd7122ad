/** Any change of any configuration gives one that keeps the invariants, and majorities that meet. */
import { expect, test } from "@jest/globals";
import type { NodeId } from "@foundation/core";
import fc from "fast-check";
import {
  changed,
  configurationOf,
  isJoint,
  left,
  membersOf,
  parseConfiguration,
  type Configuration,
  type MemberChange,
} from "../../../src/protocol/raft/configuration.js";
import { voteResult } from "../../../src/protocol/raft/quorum.js";

const NODES = 6;
const idOf = (i: number) => i.toString(16).padStart(32, "0") as NodeId;
const change: fc.Arbitrary<MemberChange> = fc.record({
  type: fc.constantFrom("add-voter", "add-when-caught-up", "add-learner", "remove"),
  id: fc.nat(NODES - 1).map(idOf),
});
const step = fc.record({
  changes: fc.array(change, { maxLength: 4 }),
  mode: fc.constantFrom("when-needed" as const, "joint" as const, "joint-until-told" as const),
});

/** Every set of voters that decides alone in both must share a member: else two could lead. */
function doMajoritiesMeet(one: Configuration, other: Configuration): boolean {
  for (let set = 0; set < 1 << NODES; set += 1) {
    const has = (id: string) => (set & (1 << Number.parseInt(id, 16))) !== 0;
    const isOwn = voteResult(one, (id) => has(id)) === "won";
    if (isOwn && voteResult(other, (id) => !has(id)) === "won") return false;
  }
  return true;
}

test("configurations that follow each other are well formed, and a majority of one meets any of the next", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
      let current = configurationOf([0, 1, 2].map(idOf));
      const follow = (next: Configuration): void => {
        expect(parseConfiguration(structuredClone(next))).toEqual(next);
        expect(doMajoritiesMeet(current, next)).toBe(true);
        current = next;
      };
      for (const { changes, mode } of steps) {
        const next = changed(current, changes, mode, 64);
        if (typeof next === "string") continue;
        follow(next);
        if (!isJoint(next)) continue;
        expect(membersOf(left(next)).every((id) => membersOf(next).includes(id))).toBe(true);
        follow(left(next));
      }
    }),
    { numRuns: 300 },
  );
});
