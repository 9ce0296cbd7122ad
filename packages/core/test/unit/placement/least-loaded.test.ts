import { describe, expect, test } from "@jest/globals";
import { parseNodeId, type NodeId } from "../../../src/ids/index.js";
import { leastLoaded, type Candidate } from "../../../src/placement/index.js";
import type { NodeLoad } from "../../../src/ports/index.js";

const id = (number: number) => parseNodeId(number.toString(16).padStart(32, "0"));
const load = (share: number): NodeLoad => ({ eventLoop: share, processor: share, memory: 0.1 });
const nodes = (count: number, more: (i: number) => Partial<Candidate> = () => ({})) =>
  Array.from({ length: count }, (_, i): Candidate => ({ id: id(i + 1), ...more(i) }));

/** How many of the keys each node was given. */
function spread(
  candidates: readonly Candidate[],
  places: readonly ((key: string) => NodeId | undefined)[],
  keys: number,
): number[] {
  const counts = new Map(candidates.map((each) => [each.id, 0]));
  for (let key = 0; key < keys; key++) {
    const node = places[key % places.length]?.(`key-${key}`) as NodeId;
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return [...counts.values()];
}

describe("leastLoaded", () => {
  test("of two nodes the less busy one is chosen, by the busiest of its three shares", () => {
    const calm = { id: id(1), load: { eventLoop: 0.2, processor: 0.2, memory: 0.2 } };
    const full = { id: id(2), load: { eventLoop: 0.1, processor: 0.1, memory: 0.9 } };
    const placement = leastLoaded();
    for (let key = 0; key < 30; key++) {
      expect(placement.place(`key-${key}`, [full, calm])).toBe(calm.id);
    }
  });

  test("of two equally busy nodes the one that runs fewer processes is chosen", () => {
    const some = { id: id(1), load: load(0.2), running: 50 };
    const many = { id: id(2), load: load(0.21), running: 90 };
    const placement = leastLoaded();
    for (let key = 0; key < 30; key++) {
      expect(placement.placeMany(`k${key}`, [many, some], 1)).toEqual([id(1)]);
    }
  });

  test("a burst spreads evenly although every load was told before it", () => {
    const candidates = nodes(10, () => ({ load: load(0.3) }));
    const placement = leastLoaded();
    const counts = spread(candidates, [(key) => placement.place(key, candidates)], 200);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(8);
  });

  test("many placers at once do not all choose the one node that is least loaded", () => {
    const candidates = nodes(10, (i) => ({ load: load(i === 0 ? 0.1 : 0.5) }));
    const places = Array.from({ length: 20 }, () => {
      const own = leastLoaded();
      return (key: string) => own.place(key, candidates);
    });
    const counts = spread(candidates, places, 200);
    // Its share would be 20; two choices give a node at most twice that, the least loaded 200.
    expect(counts[0]).toBeGreaterThan(20);
    expect(Math.max(...counts)).toBeLessThanOrEqual(60);
  });

  test("what was placed counts until the node tells its load anew, and only the last 256 do", () => {
    const placement = leastLoaded();
    const [one, two] = [id(1), id(2)];
    for (let key = 0; key < 40; key++) placement.place("k", [{ id: one, load: load(0.1) }]);
    const before = [
      { id: one, load: load(0.1) },
      { id: two, load: load(0.3) },
    ];
    expect(placement.placeMany("x", before, 1)).toEqual([two]);
    const after = [{ id: one, load: load(0.12) }, before[1] as Candidate];
    expect(placement.placeMany("x", after, 1)).toEqual([one]);
    for (let key = 0; key < 256; key++) placement.place("k", [{ id: id(3) }]);
    expect(placement.placeMany("x", before, 1)).toEqual([one]);
  });

  test("a node that told no load counts as the average of those that did", () => {
    const told = [
      { id: id(1), load: load(0.2) },
      { id: id(2), load: load(0.8) },
    ];
    const silent = { id: id(3) };
    const placement = leastLoaded();
    expect(placement.placeMany("k", [told[0] as Candidate, silent], 2)).toHaveLength(2);
    const all = [...told, silent];
    for (let key = 0; key < 30; key++) {
      const [first] = placement.placeMany(`k${key}`, all, 1);
      expect(first).not.toBe(id(2));
    }
  });
});
