/** Overlays in which members have links to a few others, on the virtual network. */
import { describe, expect, test } from "@jest/globals";
import type { Overlay } from "../../src/index.js";
import { VirtualOverlays } from "../support/virtual-overlays.js";

const NODES = 30;

/** Nodes that all list each other, and have found their neighbours. */
async function formed(seed: string, count = NODES) {
  const overlays = new VirtualOverlays(seed);
  const first = await overlays.start("n0", { topology: "hyparview" });
  for (let i = 1; i < count; i += 1) {
    await overlays.start(`n${i}`, { topology: "hyparview", peers: [first.address] });
  }
  await overlays.clock.advance(30_000);
  return overlays;
}

const idsOf = (nodes: readonly Overlay[]) => nodes.map(({ self }) => self.id).sort();
/** Neighbours change now and then, so a node may have some links more for a while. */
const meanLinksOf = (nodes: readonly Overlay[]) =>
  nodes.reduce((sum, node) => sum + linksOf(node).length, 0) / nodes.length;
const linksOf = (node: Overlay) =>
  node.links().filter(({ channel, up }) => channel === "coordination" && up);

describe("hyparview", () => {
  test("lists everybody everywhere, with few links for each", async () => {
    const { nodes } = await formed("lists");
    for (const node of nodes) {
      expect(node.membership.members().map(({ id }) => id)).toEqual(idsOf(nodes));
      expect(node.neighbours().length).toBeGreaterThanOrEqual(2);
      expect(node.neighbours().length).toBeLessThanOrEqual(7);
    }
  });

  test("has neighbours that are so from both sides, and ways to everybody", async () => {
    const { nodes } = await formed("symmetric");
    const byId = new Map(nodes.map((node) => [node.self.id, node]));
    for (const node of nodes) {
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
    const { nodes, clock } = await formed("idle");
    await clock.advance(120_000);
    expect(meanLinksOf(nodes)).toBeLessThan(10);
  });

  test("reaches everybody with a broadcast, once", async () => {
    const { nodes, clock } = await formed("broadcast");
    const heard = new Map<string, unknown[]>();
    for (const { broadcast, self } of nodes) {
      broadcast.handle("news", ({ payload, from }) => {
        const known = heard.get(self.id) ?? [];
        heard.set(self.id, [...known, [from, payload]]);
      });
    }
    const [origin] = nodes as [Overlay];
    for (let i = 0; i < 20; i += 1) origin.broadcast.publish("news", i, { channel: "events" });
    await clock.advance(10_000);
    const expected = Array.from({ length: 20 }, (_, i) => [origin.self.id, i]);
    expect(heard.size).toBe(NODES - 1);
    for (const messages of heard.values()) expect(messages).toEqual(expected);
  });

  test("asks a node there is no link to, and closes that link later", async () => {
    const { nodes, clock } = await formed("unicast");
    const [asker] = nodes as [Overlay];
    await clock.advance(120_000);
    const far = nodes.find(
      ({ self }) =>
        self.id !== asker.self.id && !linksOf(asker).some(({ peer }) => peer === self.id),
    ) as Overlay;
    far.messenger.handle("double", ({ payload }) => (payload as number) * 2);
    const to = { to: far.self.id, channel: "data", subject: "double" };
    expect(await clock.run(asker.messenger.request(to, 21))).toBe(42);
    expect(linksOf(asker).map(({ peer }) => peer)).toContain(far.self.id);
    await clock.advance(120_000);
    expect(linksOf(asker).map(({ peer }) => peer)).not.toContain(far.self.id);
    expect(await clock.run(asker.messenger.request(to, 4))).toBe(8);
  });

  test("forgets a node that was killed, everywhere and for good", async () => {
    const overlays = await formed("killed");
    const { nodes, clock, network } = overlays;
    const [dead, ...others] = nodes as [Overlay, ...Overlay[]];
    network.crash("n0");
    await clock.run(dead.close());
    await clock.advance(60_000);
    for (const node of others) {
      expect(node.membership.members().map(({ id }) => id)).toEqual(idsOf(others));
      expect(node.neighbours()).not.toContain(dead.self.id);
    }
  });

  test("changes to a full mesh and back while it runs", async () => {
    const { nodes, clock } = await formed("switch", 12);
    const told: string[] = [];
    for (const node of nodes) node.onTopology(({ from, to }) => told.push(`${from} ${to}`));
    const [one] = nodes as [Overlay];
    one.switchTopology("full-mesh");
    await clock.advance(30_000);
    for (const node of nodes) expect(node.neighbours().length).toBe(11);
    one.switchTopology("hyparview");
    await clock.advance(180_000);
    for (const node of nodes) {
      expect(node.neighbours().length).toBeLessThanOrEqual(7);
      expect(node.membership.members().length).toBe(12);
    }
    expect(meanLinksOf(nodes)).toBeLessThan(10);
    expect(told.filter((change) => change === "hyparview full-mesh").length).toBe(12);
    expect(told.length).toBe(24);
  });
});
