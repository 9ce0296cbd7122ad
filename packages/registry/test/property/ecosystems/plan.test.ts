/** Plans of ecosystems: numbers that stay, places that fit together, and nothing read that is not a plan. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  countOf,
  ECOSYSTEM_TOPOLOGIES,
  ecosystemOf,
  membersOf,
  parsePlan,
  scaled,
  type EcosystemPlan,
  type PlannedKind,
} from "../../../src/protocol/ecosystem-plan.js";
import { placeOf, type EcosystemPlace } from "../../../src/protocol/ecosystem-topology.js";

const kind = (process: string): PlannedKind => ({
  process,
  args: undefined,
  on: undefined,
  constraints: undefined,
});

interface Scale {
  readonly kind: number;
  readonly count: number;
}

const history = fc.record({
  topology: fc.constantFrom(...ECOSYSTEM_TOPOLOGIES),
  branching: fc.integer({ min: 1, max: 4 }),
  kinds: fc.integer({ min: 1, max: 3 }),
  scales: fc.array(fc.record({ kind: fc.nat(2), count: fc.nat(9) }), { maxLength: 8 }),
});

function planFor(topology: EcosystemPlan["topology"], branching: number, kinds: number) {
  const plan: EcosystemPlan = {
    ...{ state: "running", topology, branching, faultTolerance: "standard", spread: "local" },
    coordinator: kind("c"),
    kinds: Array.from({ length: kinds }, (_, index) => kind(`w${index}`)),
    slots: [],
  };
  return plan;
}

function isReachable(places: readonly EcosystemPlace[], names: readonly string[]): boolean {
  const byName = new Map(names.map((name, index) => [name, places[index]?.neighbours ?? []]));
  const seen = new Set<string>();
  const waiting = [...names.slice(0, 1)];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    waiting.push(...(byName.get(next) ?? []));
  }
  return seen.size === names.length;
}

describe("an ecosystem's plan", () => {
  test("has as many workers of each kind as were asked for, and no worker changes its number", () => {
    fc.assert(
      fc.property(history, ({ topology, branching, kinds, scales }) => {
        let plan = planFor(topology, branching, kinds);
        const wanted = new Map<number, number>();
        for (const { kind: asked, count } of scales as readonly Scale[]) {
          const at = asked % kinds;
          const before = plan.slots;
          plan = scaled(plan, at, count);
          wanted.set(at, count);
          for (const [one, expected] of wanted) expect(countOf(plan, one)).toBe(expected);
          const grew = before.filter((slot) => slot === at).length <= count;
          for (const [index, slot] of before.entries()) {
            if (slot !== at && slot !== -1) expect(plan.slots[index]).toBe(slot);
            if (slot === at && grew) expect(plan.slots[index]).toBe(at);
          }
          expect(plan.slots.at(-1)).not.toBe(-1);
        }
        expect(parsePlan(structuredClone(plan))).toEqual(plan);
      }),
    );
  });

  test("gives places that fit together, and leads from each process to every other", () => {
    fc.assert(
      fc.property(history, ({ topology, branching, kinds, scales }) => {
        const plan = (scales as readonly Scale[]).reduce(
          (grown, { kind: asked, count }) => scaled(grown, asked % kinds, count),
          planFor(topology, branching, kinds),
        );
        const members = membersOf("a/b", plan);
        const names = members.map(({ name }) => name);
        const places = members.map((_, position) => placeOf("a/b", plan, members, position));
        for (const [position, place] of places.entries()) {
          const own = names[position] as string;
          expect(ecosystemOf(own)).toBe("a/b");
          expect(place.neighbours).not.toContain(own);
          expect(new Set(place.neighbours).size).toBe(place.neighbours.length);
          for (const name of place.next) {
            expect(places[names.indexOf(name)]?.previous).toContain(own);
          }
          for (const name of place.neighbours) {
            expect(places[names.indexOf(name)]?.neighbours).toContain(own);
          }
          if (topology === "tree") expect(place.next.length).toBeLessThanOrEqual(branching);
        }
        expect(isReachable(places, names)).toBe(true);
      }),
    );
  });

  test("is read as a whole or not at all", () => {
    const plan = scaled(planFor("ring", 2, 2), 1, 3);
    const broken: readonly object[] = [
      ...[{ state: "paused" }, { topology: "star" }, { spread: "wide" }, { branching: 0 }],
      ...[{ slots: [2] }, { slots: [0.5] }, { slots: "0" }, { coordinator: "c" }],
      ...[{ kinds: [kind("w"), { process: 5 }] }, { faultTolerance: undefined }],
    ];
    for (const change of broken) expect(parsePlan({ ...plan, ...change })).toBeUndefined();
    fc.assert(fc.property(fc.anything(), (value) => parsePlan(value) === undefined));
  });
});
