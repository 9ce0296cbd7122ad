import { describe, expect, test } from "@jest/globals";
import { createBoot, createNodeId, type Boot, type NodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import type { RoutingLimits } from "../../../../src/protocol/routing/limits.js";
import { parseNeighborList, type NeighborList } from "../../../../src/protocol/routing/messages.js";
import { NeighborMap } from "../../../../src/protocol/routing/neighbor-map.js";

const ids = new Map<string, NodeId>();
function idOf(name: string): NodeId {
  const known = ids.get(name);
  if (known !== undefined) return known;
  const id = createNodeId(seededRandom(name));
  ids.set(name, id);
  return id;
}
const namesOf = (route: readonly NodeId[] | undefined) =>
  route?.map((id) => [...ids].find(([, other]) => other === id)?.[0] ?? "?").join(" ");
const BOOT = createBoot(1, seededRandom("boot"));
const NEWER = createBoot(2, seededRandom("boot"));

const list = (name: string, neighbors: string, version = 1, boot: Boot = BOOT): NeighborList => ({
  id: idOf(name),
  boot,
  version,
  neighbors: neighbors.split(" ").filter(Boolean).map(idOf),
});

interface Choice {
  readonly seed?: string;
  readonly mayPass?: (id: NodeId) => boolean;
  readonly limits?: Partial<RoutingLimits>;
}

/** A map of the node "a" with these links, that has heard these lists. */
function mapOf(
  links: string,
  lists: readonly NeighborList[],
  { seed = "1", ...choice }: Choice = {},
) {
  const map = new NeighborMap({
    self: idOf("a"),
    boot: BOOT,
    random: seededRandom(seed),
    ...choice,
  });
  for (const name of links.split(" ").filter(Boolean)) map.linkUp(idOf(name));
  for (const each of lists) map.learn(each, 0);
  return map;
}

describe("a route", () => {
  test("is a shortest one, from this node to the target", () => {
    const lists = [
      list("b", "a c d"),
      list("c", "b e"),
      list("d", "b"),
      list("e", "c f"),
      list("f", "e"),
    ];
    const map = mapOf("b", lists);
    const routes = ["b", "c", "f"].map((name) => namesOf(map.routeTo(idOf(name))));
    expect(routes).toEqual(["a b", "a b c", "a b c e f"]);
    expect(map.routeTo(idOf("nobody"))).toBeUndefined();
    expect(map.routeTo(idOf("a"))).toBeUndefined();
  });

  test("is known to a node that nobody has heard of but by its neighbours", () => {
    const map = mapOf("b", [list("b", "a c")]);
    expect(namesOf(map.routeTo(idOf("c")))).toBe("a b c");
    // And from the far end alone.
    expect(namesOf(mapOf("b", [list("c", "b")]).routeTo(idOf("c")))).toBe("a b c");
  });

  test("leads over none that is to be avoided, passes nothing on, or is this node itself", () => {
    const lists = [list("b", "a c"), list("d", "a e"), list("e", "d c"), list("c", "b e")];
    const avoid = new Set([idOf("b")]);
    expect(namesOf(mapOf("b d", lists).routeTo(idOf("c"), avoid))).toBe("a d e c");
    expect(mapOf("b", lists).routeTo(idOf("c"), avoid)).toBeUndefined();
    const mayPass = (id: NodeId) => id !== idOf("b");
    expect(namesOf(mapOf("b d", lists, { mayPass }).routeTo(idOf("c")))).toBe("a d e c");
    // What is avoided can still be where it leads to.
    expect(namesOf(mapOf("b d", lists, { mayPass }).routeTo(idOf("b"), avoid))).toBe("a b");
    const map = mapOf("b", [list("b", "a"), list("x", "a"), list("y", "x")]);
    expect(map.routeTo(idOf("y"))).toBeUndefined();
  });

  test("has at most so many hops", () => {
    const names = Array.from({ length: 15 }, (_, i) => `n${i}`);
    const lists = names.map((name, i) =>
      list(name, [names[i - 1], names[i + 1]].filter(Boolean).join(" ")),
    );
    const map = mapOf("n0", lists);
    expect(map.routeTo(idOf("n11"))).toHaveLength(13);
    expect(map.routeTo(idOf("n12"))).toBeUndefined();
  });

  test("leads over a link that one end denies only where there is no other", () => {
    // b says it is linked to d; d, who was heard too, does not.
    const doubtful = [
      list("b", "a d"),
      list("d", "f"),
      list("c", "a e"),
      list("e", "c f"),
      list("f", "e d"),
    ];
    expect(namesOf(mapOf("b c", doubtful).routeTo(idOf("d")))).toBe("a c e f d");
    expect(namesOf(mapOf("b", doubtful).routeTo(idOf("d")))).toBe("a b d");
  });

  test("is drawn among those of one length: all are taken, and one seed gives the same ones", () => {
    const between = ["p", "q", "r", "s"];
    const lists = between.map((name) => list(name, "a z"));
    const drawn = (seed: string) => {
      const map = mapOf(between.join(" "), lists, { seed });
      return Array.from({ length: 60 }, () => namesOf(map.routeTo(idOf("z"))));
    };
    expect(new Set(drawn("x"))).toEqual(new Set(between.map((name) => `a ${name} z`)));
    expect(drawn("x")).toEqual(drawn("x"));
    expect(drawn("x")).not.toEqual(drawn("y"));
    const counts = between.map(
      (name) => drawn("x").filter((route) => route === `a ${name} z`).length,
    );
    expect(Math.min(...counts)).toBeGreaterThan(5);
  });
});

describe("what a node says of its neighbours", () => {
  test("counts by boot and version, in whatever order it is heard", () => {
    const map = mapOf("b", [list("b", "a c", 2)]);
    expect(map.learn(list("b", "a d", 1), 0)).toBe(false);
    expect(map.learn(list("b", "a d", 2), 0)).toBe(false);
    expect(map.routeTo(idOf("d"))).toBeUndefined();
    expect(map.learn(list("b", "a d", 1, NEWER), 0)).toBe(true);
    expect(map.learn(list("b", "a c", 9), 0)).toBe(false);
    expect(namesOf(map.routeTo(idOf("d")))).toBe("a b d");
    expect(map.routeTo(idOf("c"))).toBeUndefined();
  });

  test("is forgotten with it, but not what others say of it", () => {
    const map = mapOf("b", [list("b", "a c"), list("c", "b d")]);
    map.forget(idOf("c"));
    expect(map.routeTo(idOf("d"))).toBeUndefined();
    expect(namesOf(map.routeTo(idOf("c")))).toBe("a b c");
    expect([map.lists, map.edges]).toEqual([1, 2]);
  });

  test("is forgotten when it was heard too long ago, unless it was heard again", () => {
    const map = mapOf("b c", [list("b", "a x"), list("c", "a y")]);
    map.learn(list("c", "a y"), 40);
    map.forgetOlder(40);
    expect(map.routeTo(idOf("x"))).toBeUndefined();
    expect(namesOf(map.routeTo(idOf("y")))).toBe("a c y");
    map.forgetOlder(41);
    expect(map.lists).toBe(0);
    expect(map.edges).toBe(0);
    expect(namesOf(map.routeTo(idOf("c")))).toBe("a c");
  });

  test("is never believed about this node's own links", () => {
    const map = mapOf("b", [list("c", "a b"), list("a", "c", 99)]);
    expect(map.routeTo(idOf("c"))).toHaveLength(3);
    expect(map.listOf(idOf("a"))?.neighbors).toEqual([idOf("b")]);
    map.linkDown(idOf("b"));
    expect(map.routeTo(idOf("c"))).toBeUndefined();
  });

  test("is bounded: in lists, in neighbours, and the one heard longest ago goes first", () => {
    const map = mapOf("", [], { limits: { listsMax: 3, edgesMax: 7, neighborsMax: 4 } });
    expect(map.learn(list("b", "c d e f g"), 0)).toBe(false);
    for (const name of ["b", "c", "d"]) map.learn(list(name, "x y"), 0);
    map.learn(list("b", "x y"), 5);
    map.learn(list("e", "x"), 6);
    expect(["b", "c", "d", "e"].map((name) => map.listOf(idOf(name)) !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
    map.learn(list("f", "x y z u"), 7);
    expect([map.lists, map.edges]).toEqual([2 + 1, 2 + 1 + 4]);
    expect(map.claimedBy(idOf("x")).length).toBe(3);
  });
});

describe("this node's own list", () => {
  test("has a higher version after each change, and is the same object between them", () => {
    const map = mapOf("b", []);
    const first = map.own;
    map.linkUp(idOf("b"));
    map.linkUp(idOf("a"));
    map.linkDown(idOf("c"));
    expect(map.own).toBe(first);
    map.linkUp(idOf("c"));
    expect(map.own).toMatchObject({
      version: first.version + 1,
      neighbors: [idOf("b"), idOf("c")],
    });
    expect(parseNeighborList(map.own)).toEqual(map.own);
  });
});

describe("the explanation of a route", () => {
  test("tells the way, how certain it is, what was heard and when, and changes nothing", () => {
    const lists = [list("b", "a d", 4), list("d", "f"), list("e", "a")];
    const [map, twin] = [mapOf("b e", lists), mapOf("b e", lists)];
    expect(map.explain(idOf("d"), 70)).toEqual({
      peer: idOf("d"),
      isLinked: false,
      route: [idOf("a"), idOf("b"), idOf("d")],
      isCertain: false,
      list: { ...list("d", "f"), ageMs: 70 },
      claimedBy: [idOf("b")],
    });
    expect(map.explain(idOf("b"), 70)).toMatchObject({ isLinked: true, isCertain: true });
    expect(map.explain(idOf("nobody"), 70)).toMatchObject({
      route: undefined,
      list: undefined,
      claimedBy: [],
    });
    expect(map.routeTo(idOf("d"))).toEqual(twin.routeTo(idOf("d")));
  });
});
