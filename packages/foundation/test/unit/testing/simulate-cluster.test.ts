import { afterEach, describe, expect, test } from "@jest/globals";
import { defineProcess, startCluster, type Cluster } from "../../../src/index.js";
import {
  simulateCluster,
  type AnySimulatedCluster,
  type NodeContext,
  type NodesOption,
  type SimulateClusterOptions,
  type SimulatedCluster,
} from "../../../src/testing/index.js";

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const sim of open.splice(0)) await sim.close();
});

async function simulate<const Nodes extends NodesOption, App = Cluster>(
  options: SimulateClusterOptions<Nodes, App>,
): Promise<SimulatedCluster<App, Nodes>> {
  const sim = await simulateCluster({ seed: 42, ...options });
  open.push(sim);
  return sim;
}

const counter = defineProcess({
  name: "simulate-cluster.counter",
  init: () => ({ total: 0 }),
  call: { add: ({ state }, by: number) => (state.total += by) },
});

const names = (cluster: Cluster) =>
  cluster
    .nodes()
    .map(({ name }) => name)
    .sort()
    .join();

describe("simulateCluster", () => {
  test("without an app each node starts a cluster, without options they find each other", async () => {
    const sim = await simulate({ nodes: 3 });
    const [a, b, c] = sim.nodes;
    await sim.formed();
    expect([a, b, c].map(({ cluster }) => names(cluster))).toEqual(["a,b,c", "a,b,c", "a,b,c"]);
    expect(a.app).toBe(a.cluster);
    expect(sim.now).toBeLessThan(10_000);
  });

  test("an application that knows nothing of the simulation starts, and its result is typed", async () => {
    const main = async () => {
      const cluster = await startCluster({ name: "shop", cluster: "local" });
      return { stock: () => cluster.process(counter, "stock").call("add", 1) };
    };
    const sim = await simulate({ nodes: ["north", "south"], app: main });
    const [north, south] = sim.nodes;
    await sim.formed();
    await north.run(({ cluster }) =>
      cluster.startProcess(counter, undefined, { name: "stock", distribute: true }),
    );
    expect(await north.run(({ app }) => app.stock())).toBe(1);
    expect(await sim.settle(south.app.stock())).toBe(2);
    expect(north.cluster.config.explain()).toContainEqual(
      expect.objectContaining({ path: "name", value: "shop" }),
    );
  });

  test("what takes any simulation takes one of so many nodes, or of these names", async () => {
    const names = (any: AnySimulatedCluster) => any.nodes.map(({ name }) => name).join();
    const sim = await simulate({ nodes: 2, app: () => "idle" });
    expect(names(sim)).toBe("a,b");
    await sim.close();
    expect(names(await simulate({ nodes: ["web", "db"] }))).toBe("web,db");
  });

  test("a partition is seen, and healed", async () => {
    const sim = await simulate({ nodes: 3 });
    const [a, b, c] = sim.nodes;
    await sim.formed();
    sim.partition([a, b], c);
    await sim.eventually(() => a.cluster.nodes().length === 2 && c.cluster.nodes().length === 1);
    sim.heal();
    await sim.formed();
    expect(names(c.cluster)).toBe("a,b,c");
  });

  test("a crashed node is down, and comes back as a new start of the application", async () => {
    const starts: string[] = [];
    const app = ({ name, boot }: NodeContext) => {
      starts.push(`${name}${boot}`);
      return startCluster();
    };
    const sim = await simulate({ nodes: 2, app });
    const [a, b] = sim.nodes;
    await sim.formed();
    sim.crash(b);
    expect(b.state).toBe("down");
    expect(() => b.cluster).toThrow("Node b is in no cluster");
    await sim.eventually(() => names(a.cluster) === "a");
    sim.restart(b);
    await sim.formed();
    expect([starts, b.boots]).toEqual([["a1", "b1", "b2"], 2]);
  });

  test("a node without a data directory is another one after a restart, one with it is the same", async () => {
    const sim = await simulate({ nodes: { forgetful: {}, lasting: { dataDir: "data" } } });
    await sim.formed();
    const ids = () => sim.nodes.map(({ cluster }) => cluster.self.id);
    const before = ids();
    for (const node of sim.nodes) sim.restart(node);
    await sim.formed({ within: "60s" });
    const after = ids();
    expect([after[0] === before[0], after[1] === before[1]]).toEqual([false, true]);
  });

  test("equal seeds give equal runs, other seeds other ones", async () => {
    const hashOf = async (seed: number) => {
      const sim = await simulateCluster({ nodes: 3, seed, faults: "all" });
      try {
        await sim.run("5s");
        return sim.trace.hash;
      } finally {
        await sim.close();
      }
    };
    const [first, again, other] = [await hashOf(1), await hashOf(1), await hashOf(2)];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  test("stop lets the application leave before its process ends", async () => {
    const sim = await simulate({ nodes: 2 });
    const [a, b] = sim.nodes;
    await sim.formed();
    const events: string[] = [];
    a.within(({ cluster }) => {
      void (async () => {
        for await (const { type, node } of cluster.watch()) events.push(`${type} ${node?.name}`);
      })();
    });
    await sim.stop(b);
    expect(b.state).toBe("down");
    expect(events).toContain("node-left b");
  });

  test("what a test does to nodes, links, disks and clocks is done, by handle or by name", async () => {
    const sim = await simulate({ nodes: { a: {}, b: { dataDir: "data" } }, network: "wan" });
    const a = sim.node("a");
    await sim.formed();
    sim.slow(a, "b", { latencyMs: 700, oneWay: true });
    sim.reset("a", "b", { half: true });
    sim.suspend(a, "2s");
    sim.jumpWall(a, -5_000);
    sim.driftClock(a, 1.05);
    sim.discoveryOut(true);
    sim.snapshotDisk("b");
    sim.stallDisk("b", "1s");
    sim.fillDisk("b", true);
    expect(sim.corruptDisk("b")).toMatchObject({ file: expect.stringContaining("identity") });
    sim.pause("b");
    sim.note("now it heals");
    sim.heal();
    sim.restart("b", { disk: "restored" });
    await sim.formed({ within: "60s" });
    const kinds = new Set(sim.trace.lines().map((line) => line.trim().split(/\s+/)[2]));
    const done = [
      "discovery",
      "disk",
      "drift",
      "jump",
      "link",
      "note",
      "pause",
      "reset",
      "suspend",
    ];
    expect([...kinds]).toEqual(expect.arrayContaining(done));
    expect(() => sim.crash("nobody")).toThrow('There is no node "nobody"');
  });

  test("faults of chance strike until heal, and what they took down comes back", async () => {
    const sim = await simulate({
      nodes: 3,
      faults: { kinds: ["crash", "partition"], every: "500ms", down: "60s" },
    });
    await sim.run("20s");
    const struck = sim.trace.lines({ match: ({ kind }) => kind === "crash" || kind === "cut" });
    expect(struck.length).toBeGreaterThan(5);
    expect(sim.nodes.some(({ state }) => state === "down")).toBe(true);
    sim.heal();
    await sim.formed({ within: "60s" });
    const { events } = sim.trace;
    await sim.run("20s");
    const after = sim.trace.lines({ match: ({ kind }) => kind === "crash" || kind === "cut" });
    expect(after).toEqual(struck);
    expect(sim.trace.events).toBeGreaterThan(events);
    expect(sim.nodes.map(({ cluster }) => cluster.nodes().length)).toEqual([3, 3, 3]);
  });

  test("mend ends one cut, and the end of a drawn partition leaves those of the test", async () => {
    const sim = await simulate({
      nodes: 3,
      faults: { kinds: ["partition"], every: "400ms", lasts: "1s" },
    });
    const [a, b, c] = sim.nodes;
    sim.partition([a, b], c);
    await sim.run("20s");
    expect(c.cluster.nodes().map(({ name }) => name)).toEqual(["c"]);
    // Drawn ones have begun and ended meanwhile.
    const mended = () => sim.trace.lines({ match: ({ kind }) => kind === "mend" });
    expect(mended().length).toBeGreaterThan(5);
    for (const line of mended()) {
      const [, left = "", right = ""] = /(\S+) <?-> (\S+)$/.exec(line) ?? [];
      expect(left).not.toBe("");
      expect([left, right].filter((group) => group.includes("c")).length).not.toBe(1);
    }
    sim.mend([a, b], c);
    sim.heal();
    await sim.formed({ within: "60s" });
    sim.partition([a, b], c);
    await sim.eventually(() => a.cluster.nodes().length === 2);
    sim.mend(c, [a, b]);
    await sim.formed();
  });

  test("disks of chance are full, empty or older, under nodes that keep their identity there", async () => {
    const sim = await simulate({
      nodes: 3,
      options: { dataDir: "data" },
      faults: { kinds: ["full", "jump", "restore", "wipe"], every: "500ms", down: "2s" },
    });
    const ids = () => sim.nodes.map(({ cluster }) => cluster.self.id);
    const before = ids();
    await sim.run("60s");
    sim.heal();
    await sim.formed({ within: "60s" });
    expect(ids().some((id) => before.includes(id))).toBe(false);
    const lines = sim.trace.lines({ match: ({ kind }) => kind === "disk" || kind === "jump" });
    expect(lines.join("\n")).toMatch(/is full[^]*has room/);
    expect(lines.join("\n")).toMatch(/jump +-?\d+ ms/);
  });
});
