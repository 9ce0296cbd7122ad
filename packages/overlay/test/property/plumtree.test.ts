/**
 * Broadcast cores on random graphs in virtual time. A failure names its seed: `new PlumtreeWorld({
 * seed })`.
 */
import { describe, expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import { plumtreeLimits, type PlumtreeLimits } from "../../src/protocol/plumtree/limits.js";
import type { PlumtreeMessage } from "../../src/protocol/plumtree/messages.js";
import { NameCache } from "../../src/protocol/plumtree/names.js";
import { Plumtree } from "../../src/protocol/plumtree/plumtree.js";
import { decode, encode } from "../../src/protocol/plumtree/wire.js";
import { bootOf, idOf } from "../support/membership-entries.js";
import { mutated } from "../support/mutated-bytes.js";
import {
  PlumtreeWorld,
  type TreeNode,
  type WorldOptions,
} from "../unit/protocol/plumtree/plumtree-world.js";

/** Longer than any repair takes, shorter than payloads are kept. */
const SETTLE_MS = 3_000;
const REPAIR_MS = 15_000;

function forSeeds(
  count: number,
  scenario: (world: PlumtreeWorld, seed: number) => void,
  options: Omit<WorldOptions, "seed"> = {},
): void {
  for (let seed = 1; seed <= count; seed += 1) {
    try {
      scenario(new PlumtreeWorld({ seed, ...options }), seed);
    } catch (cause) {
      throw new Error(`seed ${seed}: ${String(cause)}`, { cause });
    }
  }
}

/** A connected graph of 2 to 60 nodes that know where sources are. */
function formed(world: PlumtreeWorld): TreeNode[] {
  const nodes = world.addGraph(2 + world.below(59), 2 + world.below(5));
  world.run(SETTLE_MS);
  return nodes;
}

const isConnected = (world: PlumtreeWorld): boolean => {
  const running = world.running();
  const [first] = running;
  return first === undefined || world.componentOf(first).size === running.length;
};

/** Which survivors lack how many of the messages that any survivor of their component has. */
function missingOf(world: PlumtreeWorld): { readonly node: number; readonly count: number }[] {
  const missing: { readonly node: number; readonly count: number }[] = [];
  for (const node of world.running()) {
    const all = new Set<string>();
    for (const peer of world.componentOf(node)) for (const each of peer.payloads) all.add(each);
    let count = 0;
    for (const each of all) if (!node.payloads.has(each)) count += 1;
    if (count > 0) missing.push({ node: node.index, count });
  }
  return missing;
}

/** One thing that happens to a graph; `keep`: the survivors stay connected. */
function disturb(world: PlumtreeWorld, keep: boolean): void {
  const running = world.running();
  const node = world.pick(running);
  const what = world.below(10);
  if (what < 4) {
    for (let count = 1 + world.below(4); count > 0; count -= 1) world.broadcast(node);
  } else if (what < 6) {
    world.link(node, world.pick(running));
  } else if (what < 9) {
    const peers = [...node.links.keys()];
    if (peers.length === 0) return;
    const peer = world.pick(peers);
    const repeated = world.cut(node, peer);
    // It comes back at once, or never; in between the graph may fall apart.
    if (world.below(2) === 0 || (keep && !isConnected(world))) world.link(node, peer, repeated);
  } else if (running.length > 2) {
    const links = [...node.links.keys()];
    const rest = running.filter((each) => each !== node);
    world.crash(node);
    if (keep) for (const peer of links) world.link(peer, world.pick(rest));
    for (const each of rest) if (keep && !isConnected(world)) world.link(each, world.pick(rest));
  }
}

/** Links whatever is apart. */
function rejoin(world: PlumtreeWorld): void {
  const [first, ...others] = world.running();
  if (first === undefined) return;
  for (const node of others) if (!world.componentOf(first).has(node)) world.link(first, node);
}

/** Every node keeps no more than the limits say; one expectation, since it is checked often. */
function expectBounded(world: PlumtreeWorld, limits: PlumtreeLimits = plumtreeLimits): void {
  const beyond = world.running().filter(({ core }) => {
    const report = core.report();
    return (
      report.cachedBytes > limits.cacheBytesMax ||
      report.cachedMessages > limits.cacheMessagesMax ||
      report.heldMessages > limits.gapMessagesTotalMax ||
      report.heldBytes > limits.gapBytesMax ||
      report.sources > limits.sourcesMax ||
      report.offers > report.sources * limits.offersMax
    );
  });
  expect(beyond.map(({ index, core }) => ({ index, ...core.report() }))).toEqual([]);
}

describe("on a graph at rest", () => {
  test("every broadcast is delivered by every other node, once and in order", () => {
    forSeeds(30, (world) => {
      const nodes = formed(world);
      let told = 0;
      for (let i = 0; i < 30; i += 1) {
        world.broadcast(world.pick(nodes));
        told += 1;
        world.run(world.below(400));
      }
      world.run(SETTLE_MS);
      for (const node of nodes) expect(node.payloads.size).toBe(told);
      expect(world.countOf("skipped")).toBe(0);
    });
  });

  test("a single source costs at most a tenth of a copy too many after its first message", () => {
    forSeeds(25, (world) => {
      const nodes = formed(world);
      const source = world.pick(nodes);
      world.broadcast(source);
      world.run(SETTLE_MS);
      const before = world.sentOf("gossip");
      for (let i = 0; i < 20; i += 1) {
        world.broadcast(source);
        world.run(world.below(500));
      }
      world.run(SETTLE_MS);
      const copies = world.sentOf("gossip") - before;
      expect(copies / 20 / (nodes.length - 1) - 1).toBeLessThanOrEqual(0.1);
      expect(copies / 20).toBeGreaterThanOrEqual(nodes.length - 1);
    });
  });

  test("both ends of each link agree whether it is eager, and the eager ones are a tree", () => {
    forSeeds(25, (world) => {
      const nodes = formed(world);
      for (let i = 0; i < 5; i += 1) {
        world.broadcast(world.pick(nodes));
        world.run(SETTLE_MS);
      }
      expect(world.asymmetric()).toEqual([]);
      const eager = nodes.reduce((sum, { core }) => sum + core.eager.length, 0);
      expect(eager / 2).toBe(nodes.length - 1);
    });
  });

  test("nothing is sent and no timer fires once all is delivered and forgotten", () => {
    forSeeds(10, (world) => {
      const nodes = formed(world);
      world.broadcast(world.pick(nodes));
      world.run(60_000);
      const [fired, sent] = [world.timersFired, [...world.sent]];
      world.run(3_600_000);
      expect(world.timersFired).toBe(fired);
      expect([...world.sent]).toEqual(sent);
    });
  });

  test("a message travels no further than a tree of shortest times takes it", () => {
    forSeeds(20, (world) => {
      const nodes = formed(world);
      for (let i = 0; i < 5; i += 1) {
        world.broadcast(world.pick(nodes));
        world.run(SETTLE_MS);
      }
      expect(world.hopsMax).toBeLessThanOrEqual(nodes.length - 1);
    });
  });
});

describe("on a graph that changes and stays connected", () => {
  test("all survivors get everything that any survivor has", () => {
    let [lost, crashed] = [0, 0];
    forSeeds(40, (world) => {
      const nodes = formed(world);
      for (let i = 0; i < 60; i += 1) {
        disturb(world, true);
        world.run(world.below(250));
      }
      const broadcasts = nodes.reduce((sum, node) => sum + node.broadcasts, 0);
      world.run(REPAIR_MS);
      expect(missingOf(world)).toEqual([]);
      expectBounded(world);
      const [survivor] = world.running();
      lost += broadcasts - (survivor?.payloads.size ?? 0);
      crashed += nodes.length - world.running().length;
    });
    // Only what a node said in the moment it crashed may be lost, with the node.
    expect(crashed).toBeGreaterThan(50);
    expect(lost).toBeLessThan(crashed);
  });

  test("what is broadcast after it came to rest reaches all, at the cost of a tree again", () => {
    forSeeds(25, (world) => {
      formed(world);
      for (let i = 0; i < 60; i += 1) {
        disturb(world, true);
        world.run(world.below(250));
      }
      world.run(REPAIR_MS);
      const source = world.pick(world.running());
      for (let i = 0; i < 3; i += 1) {
        world.broadcast(source, "warm");
        world.run(SETTLE_MS);
      }
      const before = world.sentOf("gossip");
      for (let i = 0; i < 10; i += 1) {
        world.broadcast(source, "last");
        world.run(300);
      }
      world.run(SETTLE_MS);
      const running = world.running();
      for (const node of running) {
        const last = [...node.payloads].filter((payload) => payload.endsWith("last"));
        expect(last).toHaveLength(10);
      }
      const copies = (world.sentOf("gossip") - before) / 10;
      expect(copies / Math.max(1, running.length - 1) - 1).toBeLessThanOrEqual(0.1);
      expect(world.asymmetric()).toEqual([]);
    });
  });
});

describe("on a graph that falls apart and is joined again", () => {
  test("survivors get everything that any survivor has, but for what they gave up and counted", () => {
    let given = 0;
    forSeeds(40, (world) => {
      formed(world);
      for (let i = 0; i < 40; i += 1) {
        disturb(world, false);
        world.run(world.below(250));
      }
      rejoin(world);
      world.run(REPAIR_MS);
      rejoin(world);
      world.run(REPAIR_MS);
      let missing = 0;
      for (const { count } of missingOf(world)) missing += count;
      expect(missing).toBeLessThanOrEqual(world.countOf("skipped"));
      given += missing;
      expectBounded(world);
    });
    expect(given).toBeLessThan(20);
  });
});

describe("with small limits and much said", () => {
  const limits = {
    cacheMessagesMax: 50,
    cacheBytesMax: 2_000,
    gapMessagesMax: 5,
    gapMessagesTotalMax: 20,
    gapBytesMax: 500,
    sourcesMax: 12,
    offersMax: 4,
    repairsMax: 4,
    pullMessagesMax: 8,
    pullBytesMax: 200,
    runsPerMessageMax: 3,
    announcedRunsMax: 5,
    digestRunsMax: 3,
  };

  test("memory stays within them whatever happens, and nothing is delivered twice", () => {
    forSeeds(
      40,
      (world) => {
        const nodes = world.addGraph(2 + world.below(11), 3);
        world.run(SETTLE_MS);
        for (let i = 0; i < 150; i += 1) {
          disturb(world, i % 2 === 0);
          world.run(world.below(60));
          expectBounded(world, { ...plumtreeLimits, ...limits });
        }
        expect(nodes.length).toBeGreaterThan(1);
      },
      { core: { limits } },
    );
  });
});

describe("the world", () => {
  test("is the same again from the same seed", () => {
    const trace = (): unknown[] => {
      const world = new PlumtreeWorld({ seed: 7 });
      formed(world);
      for (let i = 0; i < 40; i += 1) {
        disturb(world, false);
        world.run(world.below(250));
      }
      const heard = world.nodes.map(({ payloads }) => [...payloads].join());
      return [heard, [...world.sent], [...world.counted], world.timersFired];
    };
    expect(trace()).toEqual(trace());
  });
});

describe("damaged bytes", () => {
  const random = seededRandom("damaged");
  const name = { origin: idOf(3), boot: bootOf(2) };
  const runs = [
    { ...name, lo: 1, hi: 9, hop: 2 },
    { origin: idOf(4), boot: bootOf(1), lo: 5, hi: 5, hop: 7 },
  ];
  const payload = new Uint8Array(40).fill(7);
  const corpus: PlumtreeMessage<Uint8Array>[] = [
    { type: "gossip", ...name, seq: 4, hop: 2, back: 3, beside: false, payload },
    { type: "have", runs },
    { type: "graft", eager: true, runs },
    { type: "prune" },
    { type: "digest", ask: true, more: false, fresh: false, seeking: false, runs },
    { type: "unwanted", ...name, seq: 3 },
  ];

  test("never throw: they are refused, or mean something that is written the same way", () => {
    const bytes = corpus.map(encode);
    const names = new NameCache();
    const pick = () => bytes[random.uint32() % bytes.length] as Uint8Array;
    let [refused, accepted] = [0, 0];
    for (let i = 0; i < 6_000; i += 1) {
      const message = decode(mutated(pick(), random, pick()), names);
      if (message === undefined) refused += 1;
      else {
        accepted += 1;
        expect(decode(encode(message))).toEqual(message);
      }
    }
    expect(Math.min(refused, accepted)).toBeGreaterThan(500);
  });

  test("that mean something harm no node: it stays within its limits and goes on", () => {
    const bytes = corpus.map(encode);
    const core = new Plumtree<Uint8Array>({
      self: { id: idOf(1), boot: bootOf(1) },
      random: seededRandom(1),
      sizeOf: (each) => each.length,
    });
    for (const id of [idOf(2), idOf(5)]) core.handle({ type: "neighbor-up", id }, 0);
    const pick = () => bytes[random.uint32() % bytes.length] as Uint8Array;
    for (let i = 0; i < 5_000; i += 1) {
      const message = decode(mutated(pick(), random, pick()));
      if (message === undefined) continue;
      const from = idOf(2 + 3 * (i % 2));
      const effects = core.handle({ type: "message", from, message }, i);
      expect(effects.length).toBeLessThan(1_000);
      for (const timer of ["repair", "announce", "round"]) core.handle({ type: "timer", timer }, i);
    }
    expect(core.report().sources).toBeLessThanOrEqual(plumtreeLimits.sourcesMax);
    const effects = core.handle({ type: "broadcast", payload }, 10_000);
    expect(effects.length).toBeGreaterThan(0);
  });
});
