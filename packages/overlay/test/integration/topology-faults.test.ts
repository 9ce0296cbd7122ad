/**
 * What every topology does about great faults, over real WebSockets on loopback: halves that cannot reach each other,
 * and nine of ten nodes that die at once. The tests wait most of the time, so they run side by side.
 *
 * The same, with many more nodes and faults, is played in virtual time by property/topology-faults; pauses of
 * processes are in membership-processes.
 */
import { describe, expect, test } from "@jest/globals";
import type { Overlay, OverlayOptions } from "../../src/index.js";
import { topologyNames } from "../../src/protocol/switching/topologies.js";
import { FaultySockets } from "../support/faulty-sockets.js";
import { OverlayCluster } from "../support/overlay-cluster.js";
import { areViewsWhole, eventually, hears, listEachOther } from "../support/real-overlays.js";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Plays with a cluster of its own: these tests run at the same time. */
async function withCluster(
  options: Partial<OverlayOptions>,
  play: (cluster: OverlayCluster) => Promise<void>,
): Promise<void> {
  const cluster = new OverlayCluster(options);
  try {
    await play(cluster);
  } finally {
    await cluster.close();
  }
}

async function echoes(from: Overlay, to: Overlay): Promise<void> {
  const route = { to: to.self.id, channel: "work", subject: "echo" };
  const text = `${from.self.id} ${to.self.id}`;
  expect(await from.messenger.request(route, text, { timeoutMs: 10_000 })).toBe(text);
}

describe.each(topologyNames)("%s over sockets", (topology) => {
  test.concurrent("heals after a partition in halves, each of which listed itself and went on", () => {
    const sockets = numbers(8).map(() => new FaultySockets());
    return withCluster({ topology }, async (cluster) => {
      for (const { transport } of sockets) await cluster.start({ runtime: { transport } });
      const { nodes } = cluster;
      await eventually("all list all", () => listEachOther(nodes), 20_000);
      const boots = nodes.map(({ self }) => self.boot);
      for (const { messenger } of nodes) messenger.handle("echo", ({ payload }) => payload);
      const heard = hears(nodes, "news");
      const halves = [nodes.slice(0, 4), nodes.slice(4)] as const;
      sockets.forEach((each, i) =>
        each.cutOff(halves[i < 4 ? 1 : 0].map(({ address }) => address)),
      );
      await eventually("halves list themselves", () => halves.every(listEachOther), 60_000);
      for (const half of halves) {
        const [origin, ...others] = half as [Overlay, ...Overlay[]];
        await eventually("views are whole", () => areViewsWhole(half), 20_000);
        origin.broadcast.publish("news", "to a half", { channel: "events" });
        await eventually("the half heard", () =>
          others.every((node) => heard.of(node, origin).at(-1) === "to a half"),
        );
        await Promise.all(others.map((node) => echoes(node, origin)));
      }
      for (const each of sockets) each.speak();
      await eventually("all list all again", () => listEachOther(nodes), 60_000);
      await eventually("views are whole", () => areViewsWhole(nodes), 20_000);
      const [origin, ...others] = nodes as [Overlay, ...Overlay[]];
      origin.broadcast.publish("news", "to all", { channel: "events" });
      await eventually("all heard", () =>
        others.every((node) => heard.of(node, origin).at(-1) === "to all"),
      );
      await Promise.all(others.map((node) => echoes(node, origin)));
      expect(nodes.map(({ self }) => self.boot)).toEqual(boots);
    });
  }, 180_000);

  test.concurrent(
    "heals after nine of ten died at once",
    () =>
      withCluster({ topology }, async (cluster) => {
        await cluster.start();
        await Promise.all(numbers(19).map(() => cluster.start()));
        const { nodes } = cluster;
        await eventually("all list all", () => listEachOther(nodes), 30_000);
        const dying = numbers(20).filter((i) => i % 10 !== 3);
        await Promise.all(dying.map((i) => cluster.kill(i)));
        const survivors = cluster.alive as [Overlay, Overlay];
        expect(survivors).toHaveLength(2);
        await eventually("survivors list each other", () => listEachOther(survivors), 60_000);
        await eventually("views are whole", () => areViewsWhole(survivors), 20_000);
        const heard = hears(survivors, "news");
        const [one, other] = survivors;
        for (const { messenger } of survivors) messenger.handle("echo", ({ payload }) => payload);
        one.broadcast.publish("news", "to the rest", { channel: "events" });
        await eventually("the other heard", () => heard.of(other, one).length === 1);
        await echoes(one, other);
        await echoes(other, one);
        const late = await cluster.start();
        const all = [...survivors, late];
        await eventually("who comes is a member", () => listEachOther(all), 20_000);
      }),
    150_000,
  );
});
