/**
 * Plans of rebalancing against exhaustive search, and carried out again and again.
 * `PLACEMENT_RUNS=<n>` plays more towns than usual.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Member } from "@foundation/core";
import type { Constraints } from "../../../src/protocol/constraints.js";
import type { ChildSpec, On } from "../../../src/protocol/child-spec.js";
import { fewestMoves, type Bounds, type Stock } from "../../../src/protocol/fewest-moves.js";
import { judge, ownerOf } from "../../../src/protocol/judge.js";
import { Occupancy } from "../../../src/protocol/occupancy.js";
import { boundsOf } from "../../../src/protocol/even-counts.js";
import { planRebalance, type RebalancePlan } from "../../../src/protocol/rebalance.js";
import { member, spec } from "../../unit/protocol/cast.js";

const RUNS = Number(process.env.PLACEMENT_RUNS ?? 300);

/** How far counts are out of their bounds, all together. */
const outOf = (counts: readonly number[], bounds: readonly Bounds[]) =>
  counts.reduce((sum, count, i) => {
    const { lower, upper } = bounds[i] as Bounds;
    return sum + Math.max(0, count - upper) + Math.max(0, lower - count);
  }, 0);

/** The best of all assignments: least out of bounds, then fewest moves. */
function exhaustive(nodes: number, bounds: readonly Bounds[], children: readonly Stock[]) {
  let best = { out: Infinity, moves: Infinity };
  const counts = new Array<number>(nodes).fill(0);
  const place = (i: number, moves: number): void => {
    const child = children[i];
    if (child === undefined) {
      const out = outOf(counts, bounds);
      if (out < best.out || (out === best.out && moves < best.moves)) best = { out, moves };
      return;
    }
    for (let to = 0; to < nodes; to++) {
      if (to !== child.home && child.allowed[to] !== true) continue;
      counts[to] = (counts[to] ?? 0) + 1;
      place(i + 1, moves + Number(to !== child.home));
      counts[to] = (counts[to] ?? 0) - 1;
    }
  };
  place(0, 0);
  return best;
}

describe("the fewest moves", () => {
  test("are as few as exhaustive search finds, and leave as little too much and too few", () => {
    const nodes = 4;
    const child = fc.record({
      home: fc.nat(nodes - 1),
      size: fc.constant(1),
      allowed: fc.array(fc.boolean(), { minLength: nodes, maxLength: nodes }),
    });
    const bound = fc
      .tuple(fc.nat(3), fc.nat(2))
      .map(([lower, more]): Bounds => ({ lower, upper: lower + more }));
    fc.assert(
      fc.property(
        fc.array(child, { maxLength: 7 }),
        fc.array(bound, { minLength: nodes, maxLength: nodes }),
        (children, bounds) => {
          const counts = new Array<number>(nodes).fill(0);
          for (const { home } of children) counts[home] = (counts[home] ?? 0) + 1;
          const wanted = exhaustive(nodes, bounds, children);
          let moves = 0;
          for (const { stock, to, count } of fewestMoves(counts, bounds, children)) {
            const moved = children[stock] as Stock;
            expect(moved.allowed[to]).toBe(true);
            counts[moved.home] = (counts[moved.home] ?? 0) - count;
            counts[to] = (counts[to] ?? 0) + count;
            moves += count;
          }
          expect({ out: outOf(counts, bounds), moves }).toEqual(wanted);
        },
      ),
      { numRuns: RUNS },
    );
  });
});

const node = fc.record({ zone: fc.constantFrom("a", "b"), role: fc.boolean() });
const child = fc.record({
  at: fc.nat(5),
  on: fc.constantFrom<On | undefined>(undefined, undefined, { role: "db" }),
  constraints: fc.option(
    fc.record<Constraints>(
      {
        group: fc.constantFrom("g", "h"),
        capacity: fc.integer({ min: 1, max: 3 }),
        antiAffinity: fc.constantFrom({}, { group: "g" }),
        affinity: fc.constant({ group: "h" }),
        spread: fc.constant({ over: "zone" }),
      },
      { requiredKeys: [] },
    ),
    { nil: undefined, freq: 2 },
  ),
});

interface Town {
  readonly members: readonly Member[];
  children: readonly ChildSpec[];
}

const town: fc.Arbitrary<Town> = fc
  .tuple(
    fc.array(node, { minLength: 1, maxLength: 6 }),
    fc.array(child, { minLength: 1, maxLength: 14 }),
  )
  .map(([nodes, children]) => {
    const members = nodes.map(({ zone, role }, i) =>
      member(i + 1, { labels: { zone }, roles: role ? ["db"] : [] }),
    );
    return {
      members,
      children: children.map(({ at, on, constraints }, i) =>
        spec({
          identity: `child-${String(i).padStart(2, "0")}`,
          on,
          rules: constraints && { constraints },
          owner: ownerOf(members[at % members.length] as Member),
        }),
      ),
    };
  });

function occupancyOf(children: readonly ChildSpec[]): Occupancy {
  const occupancy = new Occupancy();
  for (const each of children) occupancy.put(each, each.owner);
  return occupancy;
}

function planOf({ members, children }: Town, tolerance = 0): RebalancePlan {
  return planRebalance({
    children,
    all: children,
    ground: { members, occupancy: occupancyOf(children) },
    defines: () => true,
    tolerance,
  });
}

function carryOut(on: Town, { moves }: RebalancePlan): void {
  for (const { identity, to } of moves) {
    const at = on.members.find(({ id }) => id === to) as Member;
    on.children = on.children.map((each) =>
      each.identity === identity ? { ...each, owner: ownerOf(at) } : each,
    );
  }
}

/** Children that are where a hard constraint or `on` does not allow them. */
function misplaced({ members, children }: Town): readonly string[] {
  const occupancy = occupancyOf(children);
  return children.flatMap((each) => {
    const able = members.filter(({ roles }) => each.on === undefined || roles.includes("db"));
    const { refused } = judge(each, able, { members, occupancy });
    const isHome = ({ id }: Member) => id === each.owner.node;
    const fits = able.some(isHome) && !refused.some(({ member: at }) => isHome(at));
    return fits ? [] : [each.identity];
  });
}

describe("a plan to rebalance", () => {
  test("leaves nothing to plan once it was carried out", () => {
    fc.assert(
      fc.property(town, fc.constantFrom(0, 0.2, 1), (given, tolerance) => {
        const on = { ...given };
        carryOut(on, planOf(on, tolerance));
        expect(planOf(on, tolerance).moves).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  test("puts nobody where it may not be, who was where it may", () => {
    fc.assert(
      fc.property(town, (given) => {
        const on = { ...given };
        const before = misplaced(on);
        carryOut(on, planOf(on));
        expect(before).toEqual(expect.arrayContaining([...misplaced(on)]));
      }),
      { numRuns: RUNS },
    );
  });

  test("takes apart however many crowd on one node, as far as there are nodes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.nat(8), (nodes, count) => {
        const members = Array.from({ length: nodes }, (_, i) => member(i + 1));
        const owner = ownerOf(members[0] as Member);
        const rules = { constraints: { group: "g", antiAffinity: {} } };
        const children = Array.from({ length: count }, (_, i) =>
          spec({ identity: `c${i}`, rules, owner }),
        );
        const on = { members, children };
        const plan = planOf(on, 1);
        carryOut(on, plan);
        expect(new Set(plan.moves.map(({ to }) => to)).size).toBe(plan.moves.length);
        expect(plan.moves).toHaveLength(Math.max(0, Math.min(nodes, count) - 1));
        expect(plan.skipped).toHaveLength(count > nodes ? count - nodes + 1 : 0);
      }),
    );
  });

  test("of children without constraints needs as few moves as counting says", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(60), { minLength: 1, maxLength: 12 }),
        fc.constantFrom(0, 0.1, 0.5),
        (sizes, tolerance) => {
          const members = sizes.map((_, i) => member(i + 1));
          const children = sizes.flatMap((size, i) =>
            Array.from({ length: size }, (_, j) =>
              spec({ identity: `c${i}-${j}`, owner: ownerOf(members[i] as Member) }),
            ),
          );
          const on = { members, children };
          const average = children.length / members.length;
          const { lower, upper } = boundsOf(average, tolerance);
          const surplus = sizes.reduce((sum, size) => sum + Math.max(0, size - upper), 0);
          const lack = sizes.reduce((sum, size) => sum + Math.max(0, lower - size), 0);
          const plan = planOf(on, tolerance);
          expect(plan.moves).toHaveLength(Math.max(surplus, lack));
          carryOut(on, plan);
          for (const { id } of members) {
            const count = on.children.filter(({ owner }) => owner.node === id).length;
            expect(count).toBeGreaterThanOrEqual(lower);
            expect(count).toBeLessThanOrEqual(upper);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
