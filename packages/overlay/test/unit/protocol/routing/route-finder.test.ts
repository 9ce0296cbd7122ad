import { describe, expect, test } from "@jest/globals";
import { createBoot, createNodeId, type NodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import type { RoutingEffect, RoutingInput } from "../../../../src/protocol/routing/effects.js";
import {
  routingLimits,
  routingTimes,
  type RoutingLimits,
} from "../../../../src/protocol/routing/limits.js";
import { parseRoutingMessage } from "../../../../src/protocol/routing/messages.js";
import { NeighborMap } from "../../../../src/protocol/routing/neighbor-map.js";
import { RouteFinder } from "../../../../src/protocol/routing/route-finder.js";

const LATENCY_MS = 5;
const ids = new Map<string, NodeId>();
function idOf(name: string | number): NodeId {
  const known = ids.get(String(name));
  if (known !== undefined) return known;
  const id = createNodeId(seededRandom(String(name)));
  ids.set(String(name), id);
  return id;
}

interface Node {
  readonly id: NodeId;
  readonly map: NeighborMap;
  readonly finder: RouteFinder;
  readonly found: { readonly target: NodeId; readonly route: readonly NodeId[] | undefined }[];
  sent: number;
}

interface Due {
  readonly atMs: number;
  readonly node: Node;
  readonly input: RoutingInput;
}

interface Choice {
  readonly keepersOf?: (id: NodeId) => readonly NodeId[];
  readonly tells?: boolean;
  readonly limits?: Partial<RoutingLimits>;
  /** Whether a message between two nodes arrives. @default every one */
  readonly arrives?: (from: NodeId, to: NodeId) => boolean;
}

/** Finders whose messages take a while, all on one clock. */
class World {
  now = 0;
  readonly nodes = new Map<NodeId, Node>();
  readonly #choice: Choice;
  #due: Due[] = [];
  readonly #cancelled = new Map<Node, Map<string, Due>>();

  constructor(count: number, choice: Choice = {}) {
    this.#choice = choice;
    const { keepersOf, tells, limits } = choice;
    for (let i = 0; i < count; i += 1) {
      const random = seededRandom(`node ${i}`);
      const id = idOf(i);
      const map = new NeighborMap({ self: id, boot: createBoot(1, random), random });
      const finder = new RouteFinder({
        map,
        ...(keepersOf && { keepersOf }),
        ...(tells !== undefined && { tells }),
        ...(limits && { limits }),
      });
      this.nodes.set(id, { id, map, finder, found: [], sent: 0 });
    }
  }

  node(index: number): Node {
    return this.nodes.get(idOf(index)) as Node;
  }

  link(a: number, b: number): void {
    this.give(this.node(a), { type: "link-up", id: idOf(b) });
    this.give(this.node(b), { type: "link-up", id: idOf(a) });
  }

  toAll(input: RoutingInput): void {
    for (const node of this.nodes.values()) this.give(node, input);
  }

  give(node: Node, input: RoutingInput): void {
    for (const effect of node.finder.handle(input, this.now)) this.#perform(node, effect);
  }

  advance(ms: number): void {
    const untilMs = this.now + ms;
    for (;;) {
      const next = this.#due[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#due.shift();
      this.now = next.atMs;
      this.give(next.node, next.input);
    }
    this.now = untilMs;
  }

  #perform(node: Node, effect: RoutingEffect): void {
    switch (effect.type) {
      case "send": {
        node.sent += 1;
        const to = this.nodes.get(effect.to);
        const message = parseRoutingMessage(JSON.parse(JSON.stringify(effect.message)));
        if (message === undefined) throw new Error("a finder sent what nobody understands");
        if (to === undefined || this.#choice.arrives?.(node.id, to.id) === false) return;
        this.#add(to, { type: "message", from: node.id, message }, LATENCY_MS);
        return;
      }
      case "set-timer": {
        this.#cancel(node, effect.timer);
        const due = this.#add(node, { type: "timer", timer: effect.timer }, effect.delayMs);
        const timers = this.#cancelled.get(node) ?? new Map<string, Due>();
        timers.set(effect.timer, due);
        this.#cancelled.set(node, timers);
        return;
      }
      case "cancel-timer":
        return this.#cancel(node, effect.timer);
      case "found":
        node.found.push({ target: effect.target, route: effect.route });
        return;
      case "not-found":
        node.found.push({ target: effect.target, route: undefined });
        return;
      case "count":
        return;
      default:
        effect satisfies never;
    }
  }

  #add(node: Node, input: RoutingInput, delayMs: number): Due {
    const due = { atMs: this.now + delayMs, node, input };
    const isLater = ({ atMs }: Due) => atMs <= due.atMs;
    this.#due.splice(this.#due.findLastIndex(isLater) + 1, 0, due);
    return due;
  }

  #cancel(node: Node, timer: string): void {
    const due = this.#cancelled.get(node)?.get(timer);
    this.#due = this.#due.filter((other) => other !== due);
  }
}

/** A row of nodes, each linked to the next, that ask on demand. */
function row(count: number, choice: Choice = {}): World {
  const world = new World(count, choice);
  world.toAll({ type: "members", count: 500 });
  for (let i = 0; i + 1 < count; i += 1) world.link(i, i + 1);
  world.advance(2 * routingTimes.tellMs);
  return world;
}

describe("linked nodes", () => {
  test("know everybody at two links' distance without asking", () => {
    const world = row(6);
    const { map } = world.node(0);
    expect(map.routeTo(idOf(2))).toEqual([0, 1, 2].map(idOf));
    expect(map.routeTo(idOf(3))).toBeUndefined();
  });

  test("tell nothing while lists come with membership, and everything once they do not", () => {
    const world = new World(3);
    world.toAll({ type: "members", count: routingLimits.piggybackMax });
    world.link(0, 1);
    world.link(1, 2);
    world.advance(5_000);
    expect(world.node(1).sent).toBe(0);
    world.toAll({ type: "members", count: routingLimits.piggybackMax + 1 });
    world.advance(5_000);
    expect(world.node(1).sent).toBe(2);
    expect(world.node(0).map.routeTo(idOf(2))).toHaveLength(3);
  });

  test("tell many changes of one second once", () => {
    const world = row(2);
    const before = world.node(0).sent;
    for (let i = 0; i < 50; i += 1)
      world.give(world.node(0), { type: "link-up", id: idOf(`x${i}`) });
    world.advance(5_000);
    expect(world.node(0).sent - before).toBe(51);
    expect(world.node(1).map.routeTo(idOf("x49"))).toHaveLength(3);
  });
});

describe("nodes that tell nothing unasked", () => {
  test("send nothing before a route is wanted, and find it by asking", () => {
    const world = row(5, { tells: false });
    expect([...world.nodes.values()].map(({ sent }) => sent)).toEqual([0, 0, 0, 0, 0]);
    world.give(world.node(0), { type: "want", target: idOf(4) });
    world.advance(1_000);
    expect(world.node(0).found).toEqual([{ target: idOf(4), route: [0, 1, 2, 3, 4].map(idOf) }]);
  });

  test("ask again after a while: what they were told then may have changed", () => {
    const world = row(3, { tells: false });
    const asker = world.node(0);
    const want = () => {
      const before = asker.sent;
      world.give(asker, { type: "want", target: idOf(2) });
      world.advance(100);
      return asker.sent - before;
    };
    expect(want()).toBe(1);
    expect(want()).toBe(0);
    world.give(world.node(1), { type: "link-down", id: idOf(2) });
    world.advance(routingTimes.freshMs);
    expect(want()).toBe(1);
    expect(asker.found.map(({ route }) => route?.length)).toEqual([3, 3, undefined]);
  });
});

describe("a route that is wanted", () => {
  test("is told at once where it is known", () => {
    const world = row(4);
    const before = world.node(0).sent;
    world.give(world.node(0), { type: "want", target: idOf(1) });
    expect(world.node(0).found).toEqual([{ target: idOf(1), route: [0, 1].map(idOf) }]);
    expect(world.node(0).sent).toBe(before);
  });

  test("is found by asking outwards, as far as a route may lead", () => {
    const world = row(14);
    const origin = world.node(0);
    world.give(origin, { type: "want", target: idOf(12) });
    world.advance(5_000);
    expect(origin.found).toEqual([
      { target: idOf(12), route: Array.from({ length: 13 }, (_, i) => idOf(i)) },
    ]);
    world.give(origin, { type: "want", target: idOf(13) });
    world.advance(20_000);
    expect(origin.found[1]).toEqual({ target: idOf(13), route: undefined });
  });

  test("is found from the target's side by its keepers, with few questions", () => {
    const keepersOf = () => [idOf(3)];
    const world = row(9, { keepersOf });
    // Everybody tells node 3, so that it knows all.
    const origin = world.node(0);
    const before = origin.sent;
    world.give(origin, { type: "want", target: idOf(8) });
    world.advance(5_000);
    expect(origin.found[0]?.route).toEqual(Array.from({ length: 9 }, (_, i) => idOf(i)));
    expect(origin.sent - before).toBeLessThanOrEqual(12);
  });

  test("is given up when nobody is left to ask, and nobody was asked twice", () => {
    const world = row(5);
    const origin = world.node(0);
    const before = origin.sent;
    world.give(origin, { type: "want", target: idOf("nobody") });
    world.give(origin, { type: "want", target: idOf("nobody") });
    world.advance(20_000);
    expect(origin.found).toEqual([{ target: idOf("nobody"), route: undefined }]);
    expect(origin.sent - before).toBe(4);
  });

  test("is found although some who are asked do not answer", () => {
    const silent = idOf(1);
    const world = new World(5, { arrives: (from, to) => from !== silent && to !== silent });
    world.toAll({ type: "members", count: 500 });
    for (const [a, b] of [
      [0, 1],
      [0, 2],
      [2, 3],
      [3, 4],
    ] as const)
      world.link(a, b);
    world.advance(5_000);
    world.give(world.node(0), { type: "want", target: idOf(4) });
    world.advance(5_000);
    expect(world.node(0).found).toEqual([{ target: idOf(4), route: [0, 2, 3, 4].map(idOf) }]);
  });

  test("is found when a link to it comes up while others are asked", () => {
    const world = row(3);
    const origin = world.node(0);
    world.give(origin, { type: "want", target: idOf("late") });
    world.give(origin, { type: "link-up", id: idOf("late") });
    expect(origin.found).toEqual([{ target: idOf("late"), route: [idOf(0), idOf("late")] }]);
    world.advance(5_000);
    expect(origin.found).toHaveLength(1);
  });

  test("costs a bounded number of questions, a few at once", () => {
    const askedMax = 7;
    const world = row(30, { limits: { askedMax, askedAtOnceMax: 2 } });
    const origin = world.node(15);
    const before = origin.sent;
    world.give(origin, { type: "want", target: idOf("nobody") });
    expect(origin.sent - before).toBe(2);
    world.advance(60_000);
    expect(origin.sent - before).toBe(askedMax);
    expect(origin.found).toEqual([{ target: idOf("nobody"), route: undefined }]);
  });

  test("waits for nobody who is gone", () => {
    const world = new World(2, { arrives: () => false });
    const origin = world.node(0);
    world.give(origin, { type: "link-up", id: idOf(1) });
    world.give(origin, { type: "want", target: idOf("nobody") });
    expect(origin.found).toEqual([]);
    world.give(origin, { type: "gone", id: idOf(1) });
    expect(origin.found).toEqual([{ target: idOf("nobody"), route: undefined }]);
  });

  test("is refused when too many are searched for", () => {
    const world = new World(2, { arrives: () => false, limits: { searchesMax: 1 } });
    const origin = world.node(0);
    world.give(origin, { type: "link-up", id: idOf(1) });
    world.give(origin, { type: "want", target: idOf("first") });
    world.give(origin, { type: "want", target: idOf("second") });
    expect(origin.found).toEqual([{ target: idOf("second"), route: undefined }]);
  });
});

test("a node that asks without end is answered a bounded number of times in a second", () => {
  const world = row(2);
  const before = world.node(1).sent;
  const ask = (seq: number) =>
    world.give(world.node(1), {
      type: "message",
      from: idOf(0),
      message: { type: "neighbors-request", seq, about: [] },
    });
  for (let seq = 1; seq <= 1_000; seq += 1) ask(seq);
  expect(world.node(1).sent - before).toBe(routingLimits.requestsPerSecondMax);
  world.advance(1_000);
  ask(1_001);
  expect(world.node(1).sent - before).toBe(routingLimits.requestsPerSecondMax + 1);
});

test("among 120 nodes with six links each, keepers make routes to nodes nobody near has heard of", () => {
  const count = 120;
  const random = seededRandom("graph");
  const indexes = new Map(Array.from({ length: count }, (_, i) => [idOf(i), i]));
  const keepersOf = (id: NodeId) => {
    const index = indexes.get(id) ?? 0;
    return [1, 2, 3].map((i) => idOf((index * 7 + 20 * i) % count));
  };
  const world = new World(count, { keepersOf });
  world.toAll({ type: "members", count });
  for (let i = 0; i < count; i += 1)
    for (let link = 0; link < 3; link += 1) {
      const other = random.uint32() % count;
      if (other !== i) world.link(i, other);
    }
  world.advance(3_000);
  const pairs = Array.from({ length: 20 }, () => [
    random.uint32() % count,
    random.uint32() % count,
  ]);
  let [asked, found] = [0, 0];
  for (const [from = 0, to = 0] of pairs) {
    const [origin, target] = [world.node(from), idOf(to)];
    if (from === to) continue;
    asked += 1;
    world.give(origin, { type: "want", target });
    world.advance(5_000);
    const route = origin.found.at(-1)?.route;
    if (route === undefined) continue;
    found += 1;
    for (const [place, id] of route.entries()) {
      const next = route[place + 1];
      if (next !== undefined) expect(world.nodes.get(id)?.map.isLinked(next)).toBe(true);
    }
  }
  expect(found).toBe(asked);
});
