/** Placements at their edges: nobody to choose, options that make no sense, caches. */
import { describe, expect, test } from "@jest/globals";
import { parseNodeId, type NodeId } from "../../../src/ids/index.js";
import {
  hashRing,
  leastLoaded,
  localPlacement,
  pinned,
  randomPlacement,
  rendezvous,
} from "../../../src/placement/index.js";
import { seededRandom } from "../../../src/testing/index.js";

const id = (digit: string) => parseNodeId(digit.repeat(32));
const nodes = ["1", "2", "3", "4", "5", "6"].map((digit) => ({ id: id(digit) }));

describe("every placement", () => {
  test.each([
    hashRing(),
    rendezvous(),
    leastLoaded(),
    localPlacement(),
    pinned(id("1")),
    randomPlacement(seededRandom(1)),
  ])("$name finds no node among none, and never more than asked for", (placement) => {
    expect(placement.place("key", [])).toBeUndefined();
    expect(placement.placeMany("key", [], 3)).toEqual([]);
    expect(placement.placeMany("key", nodes, 0)).toEqual([]);
    expect(placement.placeMany("key", nodes, -1)).toEqual([]);
    expect(placement.placeMany("key", nodes, 99).length).toBeLessThanOrEqual(nodes.length);
  });
});

describe("hashRing", () => {
  test.each([0, -1, 1.5, 1_025, Number.NaN, "40"])("refuses %p virtual nodes", (virtualNodes) => {
    const make = () => hashRing({ virtualNodes: virtualNodes as number });
    expect(make).toThrow(/^hashRing: virtualNodes must be an integer from 1 to 1024, found /);
  });

  test("an array that was changed in place is looked at anew", () => {
    const ring = hashRing();
    const changing: { id: NodeId }[] = [...nodes];
    const before = ring.place("key", changing) as NodeId;
    changing.splice(
      changing.findIndex((node) => node.id === before),
      1,
    );
    expect(ring.place("key", changing)).not.toBe(before);
  });

  test("many groups of nodes asked in turn get the answers of rings of their own", () => {
    const shared = hashRing();
    const groups = nodes.map((_, i) => nodes.filter((_node, j) => j !== i));
    for (const _round of [1, 2]) {
      for (const group of groups) {
        expect(shared.place("key", group)).toBe(hashRing().place("key", group));
      }
    }
  });
});

describe("the simple placements", () => {
  test("local is the candidate that asks", () => {
    const candidates = [{ id: id("1") }, { id: id("2"), self: true }];
    expect(localPlacement().place("key", candidates)).toBe(id("2"));
    expect(localPlacement().place("key", nodes)).toBeUndefined();
  });

  test("pinned is its node while that is a candidate", () => {
    expect(pinned(id("3")).placeMany("key", nodes, 2)).toEqual([id("3")]);
    expect(pinned(id("9")).place("key", nodes)).toBeUndefined();
    expect(() => pinned("node-3" as NodeId)).toThrow(/pinned: node must be a NodeId/);
  });

  test("random reaches every node, without repeating one in an answer", () => {
    const placement = randomPlacement(seededRandom("placement"));
    const seen = new Set(Array.from({ length: 200 }, () => placement.place("key", nodes)));
    expect(seen.size).toBe(nodes.length);
    expect(new Set(placement.placeMany("key", nodes, 6)).size).toBe(6);
  });

  test("only placements that depend on nothing else say that all nodes agree", () => {
    const agreeing = [hashRing(), rendezvous(), pinned(id("1"))];
    expect(agreeing.every(({ agrees }) => agrees)).toBe(true);
    expect([localPlacement(), randomPlacement(seededRandom(1))].some((p) => p.agrees)).toBe(false);
  });
});
