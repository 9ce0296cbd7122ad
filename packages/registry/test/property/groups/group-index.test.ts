/**
 * The law of the index: whatever memberships come, change and go, the events of a group, applied in order to what it
 * was, give what it is; and the index by member is the index by group, turned around.
 */
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Pid } from "@foundation/core";
import { GroupIndex, type Membership } from "../../../src/protocol/groups/group-index.js";

const at = (serial: number) => ({ node: "n", boot: "b", serial }) as unknown as Pid;

const membership: fc.Arbitrary<Membership> = fc.record({
  group: fc.constantFrom("red", "blue", "green"),
  key: fc.constantFrom("=a", "=b", "#1"),
  identity: fc.constant(undefined),
  meta: fc.nat(1),
  pid: fc.option(fc.nat(2).map(at), { nil: undefined }),
});

const step = fc.record({ isGone: fc.boolean(), membership });

test("the events of a group give what it is, and both ways to a membership agree", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const index = new GroupIndex();
      const model = new Map<string, Membership>();
      const told = new Map<string, Membership>();
      for (const { isGone, membership: given } of steps) {
        const { group, key } = given;
        const change = isGone ? index.remove(group, key) : index.put(given);
        if (isGone) model.delete(`${group} ${key}`);
        else model.set(`${group} ${key}`, given);
        if (change?.type === "left") expect(told.delete(`${group} ${key}`)).toBe(true);
        else if (change !== undefined) {
          expect(told.has(`${group} ${key}`)).toBe(change.type === "changed");
          told.set(`${group} ${key}`, change.member);
        }
      }
      const shown = [...model].filter(([, { pid }]) => pid !== undefined);
      expect(new Map(shown)).toEqual(told);
      const groups = new Set([...model.values()].map(({ group }) => group));
      expect(index.size).toBe(groups.size);
      expect([...index.shown()].sort()).toEqual(
        [...new Set([...told.values()].map(({ group }) => group))].sort(),
      );
      for (const key of ["=a", "=b", "#1"]) {
        const expected = [...model.values()].filter((each) => each.key === key);
        const found = index.ofMember(key);
        expect(found).toHaveLength(expected.length);
        expect(found).toEqual(expect.arrayContaining(expected));
      }
    }),
    { numRuns: 100 },
  );
});
