/**
 * The membership cores of a whole cluster in virtual time. A failure names its seed: `new
 * MembershipWorld({ seed })`.
 */
import { describe, expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import { MembershipWorld, type WorldNode } from "../support/membership-world.js";

/** Runs a scenario for `count` seeds and puts the seed into whatever fails. */
function forSeeds(
  count: number,
  scenario: (world: MembershipWorld, seed: number) => void,
  first = 1,
): void {
  for (let seed = first; seed < first + count; seed += 1) {
    try {
      scenario(new MembershipWorld({ seed }), seed);
    } catch (cause) {
      throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
    }
  }
}

/** A formed cluster, at a phase of its timers that depends on the seed. */
function formed(world: MembershipWorld, count: number, seed: number): readonly WorldNode[] {
  const nodes = world.startAll(count);
  expect(world.runUntil(() => world.converged(), 10_000)).toBeDefined();
  world.run(2_000 + ((seed * 137) % 1_000));
  return nodes;
}

const median = (values: number[]): number =>
  values.sort((a, b) => a - b)[values.length >> 1] ?? NaN;
const told = (
  world: MembershipWorld,
  nodes: readonly WorldNode[],
  type: "node-down" | "node-suspect",
) => nodes.flatMap((node) => world.events(node, type));

describe("formation", () => {
  test.each([3, 10, 25, 50])(
    "%d nodes that know one address all list all, each with a link to each",
    (count) => {
      const world = new MembershipWorld({ seed: count });
      const nodes = world.startAll(count);
      expect(world.runUntil(() => world.converged(), 5_000)).toBeLessThan(1_000);
      world.run(5_000);
      for (const node of nodes) expect(node.core.report(world.now).links).toBe(count - 1);
      expect(told(world, nodes, "node-suspect")).toEqual([]);
    },
  );

  test("of a storm of joins costs each node few links and messages until all list all", () => {
    const count = 60;
    const world = new MembershipWorld({ seed: 1 });
    const nodes = world.startAll(count);
    expect(world.runUntil(() => world.converged(), 5_000)).toBeLessThan(1_000);
    const links = nodes.reduce((sum, { core }) => sum + core.report(world.now).links, 0);
    expect(links / count).toBeLessThan(7);
    expect(world.messages / count).toBeLessThan(25);
  });

  test("of 60 nodes in partial views lists all as soon", () => {
    const world = new MembershipWorld({ seed: 1, topology: "hyparview" });
    const nodes = world.startAll(60);
    expect(world.runUntil(() => world.converged(), 5_000)).toBeLessThan(1_000);
    world.run(20_000);
    expect(told(world, nodes, "node-suspect")).toEqual([]);
  });

  test("of two halves that know one address each is one, once they know of each other", () => {
    forSeeds(5, (world) => {
      const [one, other] = [world.start(), world.start()];
      for (let i = 0; i < 9; i += 1) {
        world.start([one]);
        world.start([other]);
      }
      world.run(2_000);
      expect(world.converged()).toBe(false);
      world.start([one, other]);
      expect(world.runUntil(() => world.converged(), 5_000)).toBeLessThan(1_000);
    });
  });
});

describe("death", () => {
  test("by kill -9 is known by all within a second", () => {
    const took: number[] = [];
    forSeeds(40, (world, seed) => {
      const nodes = formed(world, 2 + (seed % 6), seed);
      world.kill(nodes[1] as WorldNode);
      took.push(world.runUntil(() => world.converged(), 10_000) ?? Infinity);
    });
    expect(Math.max(...took)).toBeLessThanOrEqual(1_000);
  });

  test("of two nodes at once by kill -9 is known by all within a second", () => {
    forSeeds(20, (world, seed) => {
      const nodes = formed(world, 3 + (seed % 4), seed);
      for (const node of nodes.slice(1, 3)) world.kill(node);
      expect(world.runUntil(() => world.converged(), 10_000)).toBeLessThanOrEqual(1_000);
    });
  });

  test("without a sign is known by all within eight seconds", () => {
    const took: number[] = [];
    forSeeds(30, (world, seed) => {
      const nodes = formed(world, 2 + (seed % 7), seed);
      world.kill(nodes[1] as WorldNode, { silent: true });
      took.push(world.runUntil(() => world.converged(), 30_000) ?? Infinity);
    });
    expect(Math.max(...took)).toBeLessThanOrEqual(8_000);
    expect(median(took)).toBeLessThanOrEqual(6_000);
  });

  test("without a sign is known by all of 25 within eight seconds", () => {
    forSeeds(3, (world, seed) => {
      const nodes = formed(world, 25, seed);
      world.kill(nodes[seed] as WorldNode, { silent: true });
      expect(world.runUntil(() => world.converged(), 30_000)).toBeLessThanOrEqual(8_000);
    });
  });

  test("is not undone by a node that joins through one that has not heard of it", () => {
    forSeeds(20, (world, seed) => {
      const [first, second, third] = formed(world, 3, seed) as [WorldNode, WorldNode, WorldNode];
      world.kill(third);
      world.run(seed % 3);
      const newcomer = world.start([second]);
      expect(world.runUntil(() => world.converged(), 10_000)).toBeDefined();
      const since = world.now;
      world.run(30_000);
      for (const node of [first, second, newcomer]) {
        expect(world.events(node, "node-up", since)).toEqual([]);
      }
    });
  });
});

describe("pauses", () => {
  test("of 3 s never end in a death, neither of the paused nor by it", () => {
    forSeeds(40, (world, seed) => {
      const nodes = formed(world, 2 + (seed % 5), seed);
      world.pause(nodes[seed % nodes.length] as WorldNode, 3_000);
      world.run(15_000);
      expect(told(world, nodes, "node-down")).toEqual([]);
      expect(world.converged()).toBe(true);
    });
  });

  test("of 5 s end in a death at most once in twenty", () => {
    let deaths = 0;
    forSeeds(40, (world, seed) => {
      const nodes = formed(world, 3 + (seed % 4), seed);
      world.pause(nodes[1] as WorldNode, 5_000);
      world.run(15_000);
      if (told(world, nodes, "node-down").length > 0) deaths += 1;
      expect(world.converged()).toBe(true);
    });
    expect(deaths).toBeLessThanOrEqual(2);
  });

  test("of 20 s: the paused one is down, accuses nobody on waking, and comes back", () => {
    forSeeds(20, (world, seed) => {
      const nodes = formed(world, 4, seed);
      const paused = nodes[1] as WorldNode;
      world.pause(paused, 20_000);
      world.run(19_999);
      for (const node of nodes) {
        if (node !== paused) expect(world.events(node, "node-down")).toHaveLength(1);
      }
      expect(world.runUntil(() => world.converged(), 20_000)).toBeDefined();
      expect(world.events(paused, "node-down")).toEqual([]);
    });
  });
});

describe("leaving and coming back", () => {
  test("a leaver is gone at once, as left and not as down, and never returns", () => {
    forSeeds(20, (world, seed) => {
      const nodes = formed(world, 4, seed);
      const leaver = nodes[1] as WorldNode;
      world.leave(leaver);
      world.run(50);
      const stayed = nodes.filter((node) => node !== leaver);
      for (const node of stayed) expect(world.events(node, "node-left")).toHaveLength(1);
      world.run(30_000);
      expect(told(world, stayed, "node-down")).toEqual([]);
      expect(world.converged()).toBe(true);
    });
  });

  test("a draining node is shown as such everywhere and stays a member", () => {
    forSeeds(5, (world, seed) => {
      const nodes = formed(world, 4, seed);
      const [drained] = nodes as [WorldNode];
      world.drain(drained);
      world.run(20);
      for (const node of nodes) expect(node.core.member(drained.id)?.status).toBe("draining");
      expect(nodes.every((node) => node.core.members().length === 4)).toBe(true);
    });
  });

  test("a restart with the same id ends the old boot and brings up the new one, everywhere", () => {
    forSeeds(30, (world, seed) => {
      const nodes = formed(world, 4, seed);
      const old = nodes[1] as WorldNode;
      world.kill(old);
      world.run(seed * 20);
      const again = world.start([nodes[0] as WorldNode], old);
      expect(world.runUntil(() => world.converged(), 10_000)).toBeLessThanOrEqual(5_000);
      for (const node of [nodes[0], nodes[2], nodes[3]] as WorldNode[]) {
        expect(world.events(node, "node-down").map((event) => event.node.boot)).toEqual([old.boot]);
        expect(node.core.member(old.id)?.boot).toBe(again.boot);
      }
    });
  });
});

describe("cuts", () => {
  test.each([true, false])("of one link never kill anybody (one way: %s)", (oneWay) => {
    forSeeds(12, (world, seed) => {
      const nodes = formed(world, 3 + (seed % 4), seed);
      world.cut(nodes[0] as WorldNode, nodes[1] as WorldNode, { oneWay });
      world.run(60_000);
      expect(told(world, nodes, "node-down")).toEqual([]);
      world.heal();
      expect(world.runUntil(() => world.converged(), 20_000)).toBeDefined();
    });
  });

  test("in halves end with each half listing itself, and heal without a death inside a half", () => {
    forSeeds(20, (world, seed) => {
      const nodes = formed(world, 4 + 2 * (seed % 3), seed);
      const half = nodes.length / 2;
      const [left, right] = [nodes.slice(0, half), nodes.slice(half)];
      world.partition(left, right);
      const split = () => nodes.every((node) => node.core.members().length === half);
      expect(world.runUntil(split, 30_000)).toBeDefined();
      world.run(5_000);
      const healedAt = world.now;
      world.heal();
      expect(world.runUntil(() => world.converged(), 30_000)).toBeDefined();
      world.run(10_000);
      expect(nodes.flatMap((node) => world.events(node, "node-down", healedAt))).toEqual([]);
    });
  });

  test("of 20 nodes in halves heal within 30 s", () => {
    const world = new MembershipWorld({ seed: 50 });
    const nodes = world.startAll(20);
    world.run(5_000);
    world.partition(nodes.slice(0, 10), nodes.slice(10));
    const split = () => nodes.every((node) => node.core.members().length === 10);
    expect(world.runUntil(split, 30_000)).toBeDefined();
    const healedAt = world.now;
    world.heal();
    expect(world.runUntil(() => world.converged(), 30_000)).toBeDefined();
    expect(nodes.flatMap((node) => world.events(node, "node-down", healedAt))).toEqual([]);
  });
});

/** Six random faults with random times between them, then a heal: all who run must agree. */
function faultsThenHeal(world: MembershipWorld, seed: number): void {
  const random = seededRandom(`faults-${seed}`);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)] as T;
  world.startAll(3 + Math.floor(random.next() * 4));
  world.run(random.next() * 3_000);
  for (let step = 0; step < 6; step += 1) {
    const running = world.running();
    const [one, other] = [pick(running), pick(running)];
    const fault = Math.floor(random.next() * 8);
    if (fault === 0 && one !== other) world.cut(one, other, { oneWay: random.next() < 0.5 });
    if (fault === 1)
      world.partition(
        [one],
        running.filter((node) => node !== one),
      );
    if (fault === 2 && running.length > 2) world.kill(one, { silent: random.next() < 0.5 });
    if (fault === 3 && !one.paused) world.pause(one, random.next() * 9_000);
    if (fault === 4) world.start(running);
    if (fault === 5 && running.length > 2 && !one.paused) {
      world.kill(one);
      world.run(random.next() * 300);
      world.start([pick(world.running())], one);
    }
    if (fault === 6) world.heal();
    if (fault === 7 && running.length > 2 && !one.paused) {
      world.leave(one);
      world.run(150);
    }
    world.run(random.next() * 6_000);
  }
  world.heal();
  world.run(9_000);
  expect(world.runUntil(() => world.converged(), 120_000)).toBeDefined();
}

describe("any mixture of faults", () => {
  const batches = [1, 41, 81, 121, 161];
  test.each(batches)(
    "ends with each running node listing just those (40 seeds from %d)",
    (from) => {
      forSeeds(40, faultsThenHeal, from);
    },
  );
});
