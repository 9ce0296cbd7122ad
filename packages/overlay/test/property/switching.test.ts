import { describe, expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import fc from "fast-check";
import type { SwitchEffect, SwitchInput } from "../../src/protocol/switching/effects.js";
import {
  switchLimits,
  switchThresholds as thresholds,
  switchTimes as times,
} from "../../src/protocol/switching/limits.js";
import {
  compareRecords,
  parseSwitchMessage,
  parseSwitchRecord,
  type SwitchRecord,
} from "../../src/protocol/switching/record.js";
import { isLarger, nextTopology } from "../../src/protocol/switching/thresholds.js";
import { topologyNames } from "../../src/protocol/switching/topologies.js";
import { TopologySwitch } from "../../src/protocol/switching/topology-switch.js";
import { DrivenCore } from "../support/driven-core.js";
import { idOf } from "../support/membership-entries.js";
import { SwitchWorld, type SwitchNode } from "../support/switch-world.js";

const modes = ["auto", ...topologyNames] as const;
const keys = ["epoch", "turn", "mode", "pinned", "by"] as const;

const record: fc.Arbitrary<SwitchRecord> = fc
  .record({
    epoch: fc.integer({ min: 0, max: 3 }),
    turn: fc.integer({ min: 0, max: 3 }),
    mode: fc.constantFrom(...topologyNames),
    pinned: fc.boolean(),
    by: fc.integer({ min: 1, max: 3 }).map(idOf),
  })
  .map((drawn) => (drawn.pinned ? { ...drawn, turn: 0 } : drawn));

describe("records", () => {
  test("are in a total order", () => {
    fc.assert(
      fc.property(record, record, record, (a, b, c) => {
        expect(Math.sign(compareRecords(a, b))).toBe(0 - Math.sign(compareRecords(b, a)) + 0);
        if (compareRecords(a, b) === 0) expect(a).toEqual(b);
        if (compareRecords(a, b) < 0 && compareRecords(b, c) < 0) {
          expect(compareRecords(a, c)).toBeLessThan(0);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("that come back from the wire are the same, and small", () => {
    fc.assert(
      fc.property(record, fc.integer({ min: 0, max: switchLimits.decisionsMax }), (sent, epoch) => {
        const whole = { ...sent, epoch };
        const text = JSON.stringify({ type: "topology", record: whole, added: "later" });
        expect(parseSwitchMessage(JSON.parse(text))).toEqual({ type: "topology", record: whole });
        expect(JSON.stringify(whole).length).toBeLessThanOrEqual(150);
      }),
    );
  });

  test("are refused, and never thrown at, when they are anything else", () => {
    fc.assert(
      fc.property(fc.anything(), record, fc.constantFrom(...keys), (value, sent, key) => {
        const parsed = parseSwitchRecord({ ...sent, [key]: value });
        if (parsed) expect(Object.keys(parsed).sort()).toEqual([...keys].sort());
        if (parsed) expect(parsed).toEqual({ ...sent, [key]: value });
        parseSwitchMessage(value);
        parseSwitchMessage({ type: "topology", record: value });
      }),
      { numRuns: 500 },
    );
  });
});

const fault = fc.record({
  kind: fc.constantFrom("cut", "link", "partition", "heal", "switch", "switch", "size", "start"),
  one: fc.nat(),
  other: fc.nat(),
  mode: fc.constantFrom(...modes),
  size: fc.integer({ min: 1, max: 1_500 }),
  waitMs: fc.integer({ min: 0, max: 30_000 }),
});

type Fault = typeof fault extends fc.Arbitrary<infer Kind> ? Kind : never;

const pick = <T>(items: readonly T[], number: number): T => items[number % items.length] as T;

/** Links each node to the next and some at random: connected. */
function connect(world: SwitchWorld, seed: number): void {
  const random = seededRandom(`links-${seed}`);
  world.nodes.forEach((node, index) => {
    const next = world.nodes[index + 1];
    if (next) world.link(node, next);
    world.link(node, pick(world.nodes, random.uint32()));
  });
}

function cutBetween(world: SwitchWorld, half: number): void {
  const [left, right] = [world.nodes.slice(0, half), world.nodes.slice(half)];
  for (const one of left) for (const other of right) world.cut(one, other);
  world.tellSize(left, left.length);
  world.tellSize(right, right.length);
}

function play(world: SwitchWorld, seed: number, { kind, one, other, ...rest }: Fault): void {
  const { mode, size, waitMs } = rest;
  const [first, second] = [pick(world.nodes, one), pick(world.nodes, other)];
  if (kind === "cut") world.cut(first, second);
  if (kind === "link") world.link(first, second);
  if (kind === "partition") cutBetween(world, one % world.nodes.length);
  if (kind === "heal") connect(world, seed);
  if (kind === "switch") world.switch(first, mode);
  if (kind === "size") world.tellSize(world.nodes, size);
  if (kind === "start") world.link(world.start(mode), first);
  world.run(waitMs);
}

const recordsOf = (nodes: readonly SwitchNode[]) => nodes.map(({ core }) => core.record);

describe("a cluster", () => {
  test("ends on one record after any delays, partitions and switches, and stays there", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 12 }),
        fc.array(fault, { maxLength: 20 }),
        fc.integer({ min: 1, max: 1_500 }),
        (seed, count, faults, size) => {
          const world = new SwitchWorld(seed);
          for (let number = 0; number < count; number += 1) world.start("auto");
          connect(world, seed);
          for (const each of faults) play(world, seed, each);
          connect(world, seed);
          world.tellSize(world.nodes, size);
          world.run(200_000);
          const [held] = recordsOf(world.nodes) as [SwitchRecord];
          for (const other of recordsOf(world.nodes)) expect(other).toEqual(held);
          if (!held.pinned) expect(nextTopology(held.mode, size, thresholds)).toBe(held.mode);
          const pins = world.byHand.filter(({ pinned }) => pinned);
          // Only a decision by hand is greater than a pin.
          for (const pin of pins) expect(compareRecords(held, pin)).toBeGreaterThanOrEqual(0);
          if (!held.pinned) expect(pins.every(({ epoch }) => epoch < held.epoch)).toBe(true);
          world.run(300_000);
          for (const later of recordsOf(world.nodes)) expect(later).toEqual(held);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("ends on one record when all switch by hand at once", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 2, max: 40 }), (seed, count) => {
        const world = new SwitchWorld(seed);
        for (let number = 0; number < count; number += 1) world.start("auto");
        connect(world, seed);
        world.run(20_000);
        world.nodes.forEach((node, index) => world.switch(node, pick(modes, index)));
        world.run(60_000);
        const greatest = [...world.byHand].sort(compareRecords).pop();
        for (const each of recordsOf(world.nodes)) expect(each).toEqual(greatest);
      }),
      { numRuns: 40 },
    );
  });

  test("keeps a pin, however often the other half of a partition decided meanwhile", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom("full-mesh", "client-server"),
        fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        (seed, mode, sizes, decidesByHand) => {
          const world = new SwitchWorld(seed);
          for (let number = 0; number < 8; number += 1) world.start("auto");
          connect(world, seed);
          world.run(20_000);
          cutBetween(world, 4);
          const [left, right] = [world.nodes[0] as SwitchNode, world.nodes.slice(4)];
          if (decidesByHand) {
            // Both halves are at one epoch then.
            world.switch(right[0] as SwitchNode, "hyparview");
            world.switch(left, "hyparview");
            world.run(20_000);
            world.switch(right[0] as SwitchNode, "auto");
          }
          world.switch(left, mode);
          const pin = left.core.record;
          expect(pin.pinned).toBe(true);
          for (const size of sizes) {
            world.tellSize(right, size);
            world.run(100_000);
          }
          connect(world, seed);
          world.tellSize(world.nodes, 600);
          world.run(200_000);
          for (const each of recordsOf(world.nodes)) expect(each).toEqual(pin);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("is not changed by a node that joins and is configured otherwise", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom(...modes),
        fc.constantFrom(...modes),
        (seed, mode, otherwise) => {
          const world = new SwitchWorld(seed);
          for (let number = 0; number < 5; number += 1) world.start(mode);
          connect(world, seed);
          world.run(20_000);
          const [held] = recordsOf(world.nodes) as [SwitchRecord];
          const newcomer = world.start(otherwise);
          world.link(newcomer, pick(world.nodes, 3));
          world.run(60_000);
          for (const each of recordsOf(world.nodes)) expect(each).toEqual(held);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("of 200 nodes that are all linked agrees with few messages", () => {
    const world = new SwitchWorld(1);
    for (let number = 0; number < 200; number += 1) world.start("auto");
    for (const one of world.nodes) for (const other of world.nodes) world.link(one, other);
    world.run(20_000);
    const before = world.messages;
    world.switch(world.nodes[7] as SwitchNode, "hyparview");
    world.run(3_000);
    for (const { core } of world.nodes) expect(core.topology).toBe("hyparview");
    // One to all, six from each that heard it, and what is repeated meanwhile.
    expect(world.messages - before).toBeLessThan(199 + 6 * 199 + 300);
  });

  test("the same seed plays the same", () => {
    const played = (): unknown => {
      const world = new SwitchWorld(5);
      for (let number = 0; number < 20; number += 1) world.start("auto");
      connect(world, 5);
      world.tellSize(world.nodes, 300);
      world.run(100_000);
      return [world.messages, recordsOf(world.nodes)];
    };
    expect(played()).toEqual(played());
  });
});

interface Sample {
  readonly at: number;
  readonly count: number;
}

/** The cluster's sizes over time as one node sees them, and when it changed the topology. */
function follow(sizes: readonly { readonly count: number; readonly forMs: number }[]) {
  const self = idOf(1);
  const core = new TopologySwitch({ self, mode: "auto", random: seededRandom(1) });
  const driven = new DrivenCore<SwitchInput, SwitchEffect>(core);
  driven.give({ type: "start" });
  driven.wait(times.settleMs + times.settleSpreadMs);
  const samples: Sample[] = [];
  for (const { count, forMs } of sizes) {
    samples.push({ at: driven.now, count });
    driven.give({ type: "members", count, lowest: self });
    driven.wait(forMs);
  }
  const changes = driven.told.flatMap(({ at, effect }) => {
    return effect.type === "change" ? [{ at, from: effect.from, to: effect.to }] : [];
  });
  return { samples, changes, core };
}

const sizesAround = (size: number, by: number) =>
  fc.array(
    fc.record({
      count: fc.integer({ min: Math.max(1, size - by), max: size + by }),
      forMs: fc.integer({ min: 1, max: 400 }).map((tenths) => tenths * 100),
    }),
    { minLength: 1, maxLength: 30 },
  );

describe("auto", () => {
  test.each([
    [100, 30],
    [1_000, 300],
    [600, 700],
  ])("does not flap for any sizes around %d ± %d", (size, by) => {
    fc.assert(
      fc.property(sizesAround(size, by), (sizes) => {
        const { samples, changes } = follow(sizes);
        changes.forEach(({ at, from, to }, index) => {
          const before = changes[index - 1];
          if (before) expect(at - before.at).toBeGreaterThanOrEqual(times.dwellMs);
          const grows = isLarger(to, from);
          const since = at - (grows ? times.growthMs : times.shrinkMs);
          // All sizes of that time asked for it: those told in it and the one it began with.
          const counts = samples
            .filter((sample, place) => {
              const end = samples[place + 1]?.at ?? Infinity;
              return sample.at < at && end > since;
            })
            .map(({ count }) => count);
          for (const count of counts) {
            const asked = nextTopology(from, count, thresholds);
            expect(asked !== from && isLarger(asked, from) === grows).toBe(true);
          }
        });
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ["full-mesh", 1, thresholds.fullMeshMax],
    ["hyparview", thresholds.hyparviewMin, thresholds.hyparviewMax],
    ["client-server", thresholds.clientServerMin, 10_000],
  ] as const)("keeps %s for any sizes from %d to %d", (mode, min, max) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min, max }), { maxLength: 30 }), (counts) => {
        const first = { "full-mesh": 50, hyparview: 500, "client-server": 5_000 }[mode];
        const sizes = [first, ...counts].map((count) => ({ count, forMs: 40_000 }));
        const { changes, core } = follow(sizes);
        expect(changes.length).toBe(mode === "full-mesh" ? 0 : 1);
        expect(core.topology).toBe(mode);
      }),
      { numRuns: 20 },
    );
  });

  test("never undoes a pin, whatever the sizes", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...topologyNames),
        fc.array(fc.integer({ min: 1, max: 10_000 }), { maxLength: 30 }),
        (pin, counts) => {
          const self = idOf(1);
          const core = new TopologySwitch({ self, mode: "auto", random: seededRandom(1) });
          const driven = new DrivenCore<SwitchInput, SwitchEffect>(core);
          driven.give({ type: "start" }, { type: "switch", to: pin });
          for (const count of counts) {
            driven.give({ type: "members", count, lowest: self });
            driven.wait(200_000);
            expect(core.topology).toBe(pin);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
