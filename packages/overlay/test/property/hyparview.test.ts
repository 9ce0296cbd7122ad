/**
 * The HyParView cores of a whole overlay in virtual time, under schedules drawn from seeds. A
 * failure names its seed: `new World({ seed })`.
 */
import { isNodeId } from "@foundation/core";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { hyparviewLimits as limits } from "../../src/protocol/hyparview/limits.js";
import { neighborReasons, type HyParViewMessage } from "../../src/protocol/hyparview/messages.js";
import { decode, encode, sizeOf } from "../../src/protocol/hyparview/wire.js";
import { idOf } from "../support/membership-entries.js";
import { World, type WorldNode, type WorldOptions } from "../unit/protocol/hyparview/world.js";

/** Runs a scenario for `count` seeds and puts the seed into whatever fails. */
function forSeeds(
  count: number,
  scenario: (world: World, seed: number) => void,
  options: Omit<WorldOptions, "seed"> = {},
): void {
  for (let seed = 1; seed <= count; seed += 1) {
    try {
      scenario(new World({ seed, ...options }), seed);
    } catch (cause) {
      throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
    }
  }
}

/** Between 5 and 60. */
const sizeOfSeed = (seed: number): number => 5 + ((seed * 23) % 56);

/** The overlay is whole within that time, and still is half a minute later. */
function expectWhole(world: World, withinMs: number): void {
  const took = world.runUntil(() => world.isSound(), withinMs);
  if (took === undefined) {
    const { now } = world;
    const state = { parts: world.components(), oneSided: world.oneSided(), dead: world.hasDead() };
    throw new Error(`not whole after ${withinMs} ms, at ${now}: ${JSON.stringify(state)}`);
  }
  world.run(30_000);
  expect(world.runUntil(() => world.isSound(), 5_000)).toBeDefined();
}

describe("a join storm through one node", () => {
  test("becomes one component within 2 s of the last join, and stays whole", () => {
    forSeeds(15, (world, seed) => {
      world.startAll(sizeOfSeed(seed), seed % 3 === 0 ? 0 : 1_000 / sizeOfSeed(seed));
      expect(world.runUntil(() => world.isConnected(), 2_000)).toBeDefined();
      expectWhole(world, 60_000);
    });
  });

  test("of nine nodes with views of three leaves no islands of three", () => {
    forSeeds(
      30,
      (world) => {
        world.startAll(9, 5);
        expectWhole(world, 60_000);
      },
      { limits: { activeMax: 3, activeMin: 2 } },
    );
  });

  test("fills the views: after two minutes nearly all places are taken", () => {
    forSeeds(2, (world) => {
      world.startAll(60, 10);
      world.run(120_000);
      const degrees = world.degrees();
      const places = degrees.reduce((sum, count, degree) => sum + count * degree, 0);
      expect(places / 60).toBeGreaterThan(limits.activeMax - 0.5);
      expect(degrees.slice(0, limits.activeMin).every((count) => count === 0)).toBe(true);
    });
  });

  test("through several nodes, some of which do not run, becomes one component as well", () => {
    forSeeds(6, (world, seed) => {
      const seeds = world.startAll(4, 50);
      world.run(500);
      world.kill(seeds[3] as WorldNode);
      for (let more = 0; more < sizeOfSeed(seed); more += 1) world.start(...seeds);
      expectWhole(world, 60_000);
    });
  });
});

describe("crashes", () => {
  test.each([10, 30, 50, 80, 90])("of %d %% at once heal", (percent) => {
    forSeeds(5, (world, seed) => {
      const count = Math.max(10, sizeOfSeed(seed + percent));
      const nodes = world.startAll(count);
      world.run(60_000);
      const dead = Math.min(count - 2, Math.round((count * percent) / 100));
      for (let more = 0; more < dead; more += 1) world.kill(world.pick(world.running()));
      expect(world.running()).toHaveLength(nodes.length - dead);
      expectWhole(world, 60_000);
    });
  });

  test("of 90 % heal within 5 s when the directory can be asked", () => {
    forSeeds(
      5,
      (world) => {
        world.startAll(60);
        world.run(60_000);
        for (let more = 0; more < 54; more += 1) world.kill(world.pick(world.running()));
        expect(world.runUntil(() => world.isConnected(), 5_000)).toBeDefined();
        expectWhole(world, 30_000);
      },
      { directory: true },
    );
  });

  test("without a sign leave no dead node in a view once the directory knows", () => {
    forSeeds(6, (world, seed) => {
      const nodes = world.startAll(sizeOfSeed(seed) + 5);
      world.run(40_000);
      for (const node of nodes.slice(0, nodes.length >> 1)) world.kill(node, { silent: true });
      expectWhole(world, 60_000);
    });
  });
});

describe("halves", () => {
  test("of a partition find each other again", () => {
    forSeeds(6, (world, seed) => {
      world.startAll(8 + sizeOfSeed(seed));
      world.run(40_000);
      world.partition(({ number }) => number % 2);
      world.run(20_000 + seed * 3_000);
      expect(world.components()).toBeGreaterThan(1);
      world.heal();
      expectWhole(world, 60_000);
    });
  });
});

/** Random faults with random times between them; then all who run must be whole. */
function faultsThenPeace(world: World, seed: number): void {
  world.startAll(sizeOfSeed(seed), world.chance() * 50);
  for (let step = 0; step < 25; step += 1) {
    world.run(world.chance() * 4_000);
    const running = world.running();
    const [one, other] = [world.pick(running), world.pick(running)];
    const fault = Math.floor(world.chance() * 7);
    if (fault === 0 && running.length > 4) world.kill(one);
    if (fault === 1 && running.length > 4) world.kill(one, { silent: true });
    if (fault === 2 && running.length > 4) world.leave(one);
    if (fault === 3) world.start(one, other);
    if (fault === 4) world.breakLink(one, other);
    if (fault === 5) {
      for (const id of one.core.active.slice(0, 3)) {
        world.breakLink(one, world.nodes.find((node) => node.id === id) as WorldNode);
      }
    }
    if (fault === 6 && running.length > 4 && one !== other) {
      world.kill(one);
      world.run(world.chance() * 6_000);
      world.restart(one, other);
    }
  }
  expectWhole(world, 90_000);
}

describe("any mixture of faults", () => {
  test("ends with views that are symmetric, connected, alive and within their sizes", () => {
    forSeeds(25, faultsThenPeace);
  });

  test("does so with a directory, and with near places", () => {
    forSeeds(10, faultsThenPeace, { directory: true, xbot: true });
  });

  test("does so with views of other sizes", () => {
    const sizes = { activeMax: 4, activeMin: 2, passiveMax: 12 };
    forSeeds(15, faultsThenPeace, { limits: sizes });
  });
});

describe("a seed", () => {
  test("determines everything that happens", () => {
    const play = (seed: number): readonly [number, number] => {
      const world = new World({ seed });
      faultsThenPeace(world, seed);
      return [world.trace, world.messages];
    };
    expect(play(5)).toEqual(play(5));
    expect(play(5)).not.toEqual(play(6));
  });
});

describe("at rest", () => {
  test("a node sends under 250 bytes and 4 messages a second, frames included", () => {
    const world = new World({ seed: 1 });
    world.startAll(60);
    world.run(360_000);
    const [bytes, messages, dials] = [world.bytes, world.messages, world.dials];
    world.run(100_000);
    const perNode = 60 * 100;
    expect((world.bytes - bytes) / perNode).toBeLessThan(250);
    expect((world.messages - messages) / perNode).toBeLessThan(4);
    expect((world.dials - dials) / perNode).toBeLessThan(0.05);
  });

  test("near places shorten the round trips to neighbours, and the rest stays random", () => {
    const meanPlaces = (xbot: boolean): number => {
      const trips: number[] = [];
      for (const seed of [3, 4]) {
        const world = new World({ seed, xbot });
        world.startAll(30);
        world.run(900_000);
        expect(world.isConnected()).toBe(true);
        const placeOf = new Map(world.nodes.map(({ id, place }) => [id, place]));
        for (const { core, place } of world.nodes) {
          for (const id of core.active) trips.push(Math.abs(place - (placeOf.get(id) ?? NaN)));
        }
      }
      return trips.reduce((sum, trip) => sum + trip, 0) / trips.length;
    };
    const [near, random] = [meanPlaces(true), meanPlaces(false)];
    expect(near).toBeLessThan(random * 0.9);
    expect(near).toBeGreaterThan(random * 0.6);
  });
});

describe("the wire", () => {
  const id = fc.nat(2 ** 31 - 1).map(idOf);
  const ids = fc.array(id, { maxLength: limits.idsPerMessageMax });
  const nr = fc.oneof(fc.nat(300), fc.maxSafeNat());
  const ttl = fc.nat(limits.walkHopsMax);
  const optionalId = fc.option(id, { nil: undefined });
  const message: fc.Arbitrary<HyParViewMessage> = fc.oneof(
    fc.record({ type: fc.constantFrom("join" as const, "keep" as const), nr }),
    fc.record({ type: fc.constant("forward-join" as const), newcomer: id, ttl }),
    fc.record({
      type: fc.constant("neighbor" as const),
      nr,
      why: fc.constantFrom(...neighborReasons),
    }),
    fc.record({ type: fc.constant("accept" as const), nr, to: nr, evicted: optionalId }),
    fc.record({ type: fc.constant("refuse" as const), to: nr, alternatives: ids }),
    fc.record({
      type: fc.constant("disconnect" as const),
      alive: fc.boolean(),
      seen: nr,
      next: optionalId,
      alternatives: ids,
    }),
    fc.record({ type: fc.constant("shuffle" as const), origin: id, ttl, open: fc.boolean(), ids }),
    fc.record({ type: fc.constant("shuffle-reply" as const), origin: id, ids }),
  );

  test("gives back every message, from as many bytes as announced", () => {
    fc.assert(
      fc.property(message, (value) => {
        const bytes = encode(value);
        expect(bytes).toHaveLength(sizeOf(value));
        expect(decode(bytes)).toEqual(value);
      }),
    );
  });

  test("ignores bytes behind a message, and takes no message that was cut short", () => {
    fc.assert(
      fc.property(message, fc.uint8Array({ maxLength: 8 }), (value, more) => {
        const bytes = encode(value);
        expect(decode(new Uint8Array([...bytes, ...more]))).toEqual(value);
        for (let end = 0; end < bytes.length; end += 1) {
          expect(decode(bytes.subarray(0, end))).toBeUndefined();
        }
      }),
    );
  });

  /** Whether each field is what it may be, whatever type of message it stands in. */
  function isSound(value: HyParViewMessage): boolean {
    return Object.entries(value).every(([field, content]: readonly [string, unknown]) => {
      if (Array.isArray(content)) {
        return content.length <= limits.idsPerMessageMax && content.every(isNodeId);
      }
      if (field === "ttl") return Number(content) <= limits.walkHopsMax;
      if (typeof content === "number") return Number.isSafeInteger(content) && content >= 0;
      const isId = ["newcomer", "evicted", "next", "origin"].includes(field);
      return !isId || content === undefined || isNodeId(content);
    });
  }

  test("takes nothing from garbage that is beyond its limits", () => {
    fc.assert(
      fc.property(fc.nat(9), fc.uint8Array({ maxLength: 300 }), (type, bytes) => {
        const value = decode(Uint8Array.of(type, ...bytes));
        if (value === undefined) return;
        expect(isSound(value)).toBe(true);
        expect(decode(encode(value))).toEqual(value);
      }),
      { numRuns: 2_000 },
    );
  });
});
