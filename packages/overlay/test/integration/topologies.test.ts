/** Overlays in which members have links to a few others, on the virtual network. */
import { describe, expect, test } from "@jest/globals";
import type { Overlay, TopologyName } from "../../src/index.js";
import { VirtualOverlays } from "../support/virtual-overlays.js";

const NODES = 30;

/** Nodes that all list each other, and have found their neighbours. */
async function formed(topology: TopologyName, seed: string, count = NODES) {
  const overlays = new VirtualOverlays(seed);
  const first = await overlays.start("n0", { topology });
  for (let i = 1; i < count; i += 1) {
    await overlays.start(`n${i}`, { topology, peers: [first.address] });
  }
  await overlays.clock.advance(30_000);
  return overlays;
}

const idsOf = (nodes: readonly Overlay[]) => nodes.map(({ self }) => self.id).sort();
const linksOf = (node: Overlay) =>
  node.links().filter(({ channel, up }) => channel === "coordination" && up);
/** Neighbours change now and then, so a node may have some links more for a while. */
const meanLinksOf = (nodes: readonly Overlay[]) =>
  nodes.reduce((sum, node) => sum + linksOf(node).length, 0) / nodes.length;

/** What each node but the origin hears, in order. */
function listen(nodes: readonly Overlay[]) {
  const heard = new Map<string, unknown[]>();
  for (const { broadcast, self } of nodes) {
    broadcast.handle("news", ({ payload, from }) => {
      const known = heard.get(self.id) ?? [];
      heard.set(self.id, [...known, [from, payload]]);
    });
  }
  return heard;
}

describe.each(["hyparview", "client-server"] as const)("%s", (topology) => {
  test("lists everybody everywhere, with ways to everybody", async () => {
    const { nodes } = await formed(topology, "lists");
    const byId = new Map(nodes.map((node) => [node.self.id, node]));
    for (const node of nodes) {
      expect(node.topology).toBe(topology);
      expect(node.membership.members().map(({ id }) => id)).toEqual(idsOf(nodes));
      expect(node.neighbours().length).toBeGreaterThanOrEqual(2);
      for (const id of node.neighbours()) {
        expect(byId.get(id)?.neighbours()).toContain(node.self.id);
      }
    }
    const [start] = nodes as [Overlay];
    const seen = new Set([start.self.id]);
    for (const id of seen) for (const next of byId.get(id)?.neighbours() ?? []) seen.add(next);
    expect(seen.size).toBe(NODES);
  });

  test("closes the links that nobody wants and nothing uses", async () => {
    const { nodes, clock } = await formed(topology, "idle");
    await clock.advance(120_000);
    expect(meanLinksOf(nodes)).toBeLessThan(10);
  });

  test("reaches everybody with a broadcast, once and in order", async () => {
    const { nodes, clock } = await formed(topology, "broadcast");
    const heard = listen(nodes);
    const [origin] = nodes as [Overlay];
    for (let i = 0; i < 20; i += 1) origin.broadcast.publish("news", i, { channel: "events" });
    await clock.advance(10_000);
    const expected = Array.from({ length: 20 }, (_, i) => [origin.self.id, i]);
    expect(heard.size).toBe(NODES - 1);
    for (const messages of heard.values()) expect(messages).toEqual(expected);
  });

  test("asks a node there is no link to, and closes that link later", async () => {
    const { nodes, clock } = await formed(topology, "unicast");
    await clock.advance(120_000);
    const isFar = (a: Overlay, b: Overlay) =>
      a !== b && !linksOf(a).some(({ peer }) => peer === b.self.id);
    const asker = nodes.find((a) => nodes.some((b) => isFar(a, b))) as Overlay;
    const far = nodes.find((b) => isFar(asker, b)) as Overlay;
    far.messenger.handle("double", ({ payload }) => (payload as number) * 2);
    expect(asker.explain(far.self.id)).toMatchObject({
      link: "none",
      isNeighbour: false,
      wantedBy: "nobody",
      why: `There is no link: ${topology} needs no link to it; a message to it opens one.`,
    });
    const to = { to: far.self.id, channel: "data", subject: "double" };
    expect(await clock.run(asker.messenger.request(to, 21))).toBe(42);
    expect(linksOf(asker).map(({ peer }) => peer)).toContain(far.self.id);
    expect(asker.explain(far.self.id)).toMatchObject({ status: "alive", link: "up" });
    await clock.advance(150_000);
    expect(meanLinksOf(nodes)).toBeLessThan(10);
    expect(await clock.run(asker.messenger.request(to, 4))).toBe(8);
  });

  test("forgets a node that was killed, everywhere and for good", async () => {
    const overlays = await formed(topology, "killed");
    const { nodes, clock, network } = overlays;
    const [dead, ...others] = nodes as [Overlay, ...Overlay[]];
    network.crash("n0");
    await clock.run(dead.close());
    await clock.advance(60_000);
    for (const node of others) {
      expect(node.membership.members().map(({ id }) => id)).toEqual(idsOf(others));
      expect(node.neighbours()).not.toContain(dead.self.id);
      expect(node.explain(dead.self.id)).toMatchObject({ status: "down", link: "none" });
    }
  });

  test("changes to a full mesh and back while it runs, and loses no broadcast of the settled", async () => {
    const { nodes, clock } = await formed(topology, "switch", 12);
    const told: string[] = [];
    for (const node of nodes) node.onTopology(({ from, to }) => told.push(`${from} ${to}`));
    const heard = listen(nodes);
    const [one] = nodes as [Overlay];
    one.switchTopology("full-mesh");
    await clock.advance(30_000);
    for (const node of nodes) expect(node.neighbours().length).toBe(11);
    one.broadcast.publish("news", "full", { channel: "events" });
    one.switchTopology(topology);
    await clock.advance(180_000);
    one.broadcast.publish("news", "few", { channel: "events" });
    await clock.advance(10_000);
    for (const node of nodes) expect(node.membership.members().length).toBe(12);
    expect(meanLinksOf(nodes)).toBeLessThan(10);
    expect(told.filter((change) => change === `${topology} full-mesh`).length).toBe(12);
    expect(told.length).toBe(24);
    for (const messages of heard.values()) {
      expect(messages).toEqual([
        [one.self.id, "full"],
        [one.self.id, "few"],
      ]);
    }
    expect(heard.size).toBe(11);
  });
});
