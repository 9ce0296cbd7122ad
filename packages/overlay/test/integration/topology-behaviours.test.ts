/**
 * What every topology promises, over real WebSockets on loopback: the same behaviours of full mesh, HyParView and
 * client-server. Partitions, mass deaths and pauses are in topology-faults.
 */
import { afterEach, describe, expect, test } from "@jest/globals";
import { nodeClock, type MembershipEvent } from "@foundation/core";
import type { Overlay, OverlayOptions } from "../../src/index.js";
import { topologyNames } from "../../src/protocol/switching/topologies.js";
import { FaultySockets } from "../support/faulty-sockets.js";
import { OverlayCluster } from "../support/overlay-cluster.js";
import {
  areViewsWhole,
  eventually,
  hears,
  idsOf,
  listEachOther,
  listOf,
} from "../support/real-overlays.js";

const clock = nodeClock();
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const allList = (running: OverlayCluster) => () => listEachOther(running.alive);

/** What a node is told from now on. */
function eventsOf(node: Overlay): MembershipEvent[] {
  const events: MembershipEvent[] = [];
  node.membership.subscribe((event) => events.push(event));
  return events;
}

const bestLinked = (nodes: readonly Overlay[]): Overlay =>
  nodes.reduce((best, node) => (node.neighbours().length > best.neighbours().length ? node : best));

let cluster: OverlayCluster;
afterEach(() => cluster.close());

describe.each(topologyNames)("%s over sockets", (topology) => {
  /** Nodes that join through the first one at once. */
  async function formed(count: number, options: Partial<OverlayOptions> = {}): Promise<Overlay[]> {
    cluster = new OverlayCluster({ topology, ...options });
    await cluster.start();
    await Promise.all(numbers(count - 1).map(() => cluster.start()));
    await eventually("all list all", allList(cluster));
    return cluster.nodes;
  }

  test("all list all after a join storm through one node; views are connected and symmetric", async () => {
    const nodes = await formed(8);
    await eventually("views are whole", () => areViewsWhole(nodes));
    for (const node of nodes) expect(node.topology).toBe(topology);
  });

  test("who leaves is told as left, comes back only by itself, and is a member again then", async () => {
    const nodes = await formed(6);
    const events = eventsOf(nodes[0] as Overlay);
    await cluster.leave(4);
    await eventually("nobody lists it", allList(cluster));
    const late = await cluster.start();
    await eventually("all list the newcomer, and nobody who left", allList(cluster));
    expect(listOf(late)).not.toContain((nodes[4] as Overlay).self.id);
    const back = await cluster.restart(4);
    await eventually("it is a member again", allList(cluster));
    expect(events.map(({ type, node }) => [type, node.id])).toEqual([
      ["node-left", back.self.id],
      ["node-up", late.self.id],
      ["node-up", back.self.id],
    ]);
  });

  test("a restart at a new address takes the old one's place, which is told first", async () => {
    const [first, second] = (await formed(6)) as [Overlay, Overlay];
    const events = eventsOf(first);
    const old = (cluster.nodes[3] as Overlay).self;
    const node = await cluster.restart(3);
    await eventually("all list the new start", () =>
      cluster.alive.every(({ membership }) => membership.member(old.id)?.boot === node.self.boot),
    );
    expect(node.address).not.toBe(old.address);
    expect(second.membership.member(old.id)?.address).toBe(node.address);
    const told = events
      .filter((event) => event.type === "node-up" || event.type === "node-down")
      .map((event) => [event.type, event.node.boot]);
    expect(told).toEqual([
      ["node-down", old.boot],
      ["node-up", node.self.boot],
    ]);
    node.messenger.handle("echo", ({ payload }) => payload);
    const route = { to: old.id, channel: "data", subject: "echo" };
    expect(await second.messenger.request(route, "hello")).toBe("hello");
  });

  test("a node that is killed leaves every view, and the others stay connected", async () => {
    const nodes = await formed(7);
    const dead = bestLinked(nodes);
    await cluster.kill(nodes.indexOf(dead));
    const isGone = (node: Overlay) => !node.neighbours().includes(dead.self.id);
    await eventually("all know", () => allList(cluster)() && cluster.alive.every(isGone));
    await eventually("views are whole", () => areViewsWhole(cluster.alive));
    for (const node of cluster.alive) {
      expect(node.explain(dead.self.id)).toMatchObject({ status: "down", link: "none" });
    }
  });

  test.each([
    ["plainly", {}],
    ["over TLS", { tls: "psk" }],
    [
      "over several lanes",
      {
        channels: [
          { name: "work", parallelism: 4 },
          { name: "events", parallelism: 4 },
        ],
      },
    ],
    ["with compression", { compression: true }],
  ] as const)("the basics hold %s", async (_, options) => {
    await basics(await formed(6, options));
  });

  test("the basics hold with a delay of 25 ms each way", async () => {
    cluster = new OverlayCluster({ topology });
    await cluster.start();
    const { transport } = new FaultySockets({ delayMs: 25 });
    for (const _ of numbers(4)) await cluster.start({ runtime: { transport } });
    await eventually("all list all", allList(cluster));
    await basics(cluster.nodes);
  });

  test("the basics hold where two members reach each other over others only", async () => {
    const sockets = numbers(5).map(() => new FaultySockets());
    cluster = new OverlayCluster({ topology, relay: true });
    for (const { transport } of sockets) await cluster.start({ runtime: { transport }, ...seed() });
    const [one, other] = [cluster.nodes[1], cluster.nodes[4]] as [Overlay, Overlay];
    sockets[1]?.unreachable.add(other.address);
    sockets[4]?.unreachable.add(one.address);
    await eventually("all list all", allList(cluster));
    await basics(cluster.nodes);
  });

  /** Only the first node is dialled by who starts. */
  const seed = () => ({ peers: cluster.nodes.slice(0, 1).map(({ address }) => address) });

  /** Each reaches each, also with what is large, and broadcasts reach all in order. */
  async function basics(nodes: readonly Overlay[]): Promise<void> {
    const heard = hears(nodes, "news");
    for (const { messenger } of nodes) messenger.handle("echo", ({ payload }) => payload);
    const asked = nodes.flatMap((from) =>
      nodes.map(async (to) => {
        const route = { to: to.self.id, channel: "work", subject: "echo" };
        const length = from === nodes[0] ? 200_000 : 20;
        const sent = Buffer.alloc(length, `${from.self.id} ${to.self.id}`);
        const answer = await from.messenger.request(route, sent, { timeoutMs: 8_000 });
        expect(sent.equals(answer as Uint8Array)).toBe(true);
      }),
    );
    await Promise.all(asked);
    for (const i of numbers(10)) {
      for (const { broadcast } of nodes) broadcast.publish("news", i, { channel: "events" });
    }
    const pairs = nodes.flatMap((node) =>
      nodes.filter((origin) => origin !== node).map((origin) => [node, origin] as const),
    );
    await eventually("all heard all", () =>
      pairs.every(([node, origin]) => heard.of(node, origin).length >= 10),
    );
    for (const [node, origin] of pairs) expect(heard.of(node, origin)).toEqual(numbers(10));
  }

  test("broadcasts miss nobody who lives, once and in order, though the best linked node dies", async () => {
    const nodes = await formed(8);
    await eventually("views are whole", () => areViewsWhole(nodes));
    const heard = hears(nodes, "news");
    const dead = bestLinked(nodes);
    const [origin] = nodes.filter((node) => node !== dead) as [Overlay];
    for (const i of numbers(100)) {
      origin.broadcast.publish("news", i, { channel: "events" });
      if (i === 50) void cluster.kill(nodes.indexOf(dead));
      await clock.sleep(2);
    }
    const others = nodes.filter((node) => node !== dead && node !== origin);
    await eventually("all heard all", () =>
      others.every((node) => heard.of(node, origin).length >= 100),
    );
    for (const node of others) expect(heard.of(node, origin)).toEqual(numbers(100));
  });

  test("a slow handler holds up neither other nodes nor other broadcasts at its own", async () => {
    const nodes = await formed(6);
    await eventually("views are whole", () => areViewsWhole(nodes));
    const slow = bestLinked(nodes);
    const [origin] = nodes.filter((node) => node !== slow) as [Overlay];
    const heard = hears(nodes, "news");
    const over = new AbortController();
    const done = new Map<Overlay, number>();
    for (const node of nodes) {
      node.broadcast.handle("work", async () => {
        if (node === slow) await clock.sleep(60_000, over).catch(() => {});
        else done.set(node, (done.get(node) ?? 0) + 1);
      });
    }
    for (const i of numbers(200)) origin.broadcast.publish("work", i, { channel: "events" });
    origin.broadcast.publish("news", "after the work", { channel: "events" });
    const others = nodes.filter((node) => node !== origin);
    await eventually("all heard what came after", () =>
      others.every((node) => heard.of(node, origin).length === 1),
    );
    for (const node of others) expect(done.get(node)).toBe(node === slow ? undefined : 200);
    over.abort();
  });

  test("a link that carries nothing one way never ends in a death", async () => {
    const sockets = numbers(5).map(() => new FaultySockets());
    cluster = new OverlayCluster({ topology });
    for (const { transport } of sockets) await cluster.start({ runtime: { transport } });
    await eventually("all list all", allList(cluster));
    await eventually("views are whole", () => areViewsWhole(cluster.nodes));
    const events = cluster.nodes.map(eventsOf);
    const from = bestLinked(cluster.nodes);
    const [neighbour] = from.neighbours();
    const to = cluster.nodes.find(({ self }) => self.id === neighbour) as Overlay;
    sockets[cluster.nodes.indexOf(from)]?.silence(to.address, "sends");
    sockets[cluster.nodes.indexOf(to)]?.silence(from.address, "arrivals");
    // Longer than it takes to declare a node dead that nobody reaches.
    const untilMs = clock.now() + 7_000;
    await eventually("the time is over", () => clock.now() > untilMs);
    for (const each of sockets) each.speak();
    await eventually("all list all", allList(cluster));
    expect(events.flat().filter(({ type }) => type === "node-down")).toEqual([]);
  }, 20_000);
});

test("clients that refuse clients are reached over their servers, and a client that dials one is told why not", async () => {
  const refusing = { topology: "client-server", clientLinks: "refused" } as const;
  cluster = new OverlayCluster(refusing);
  for (const _ of numbers(2)) await cluster.start({ roles: ["server"] });
  // Who asks servers first has no links of joining to other clients.
  const joining = { peers: cluster.nodes.map(({ address }) => address) };
  await Promise.all(numbers(3).map(() => cluster.start(joining)));
  const stranger = await cluster.start({ ...joining, clientLinks: "on-demand" });
  await eventually("all list all", allList(cluster));
  const clients = cluster.nodes.slice(2);
  const servers = idsOf(cluster.nodes.slice(0, 2)).join();
  await eventually("clients have their servers", () =>
    clients.every((node) => [...node.neighbours()].sort().join() === servers),
  );
  for (const { messenger } of clients) messenger.handle("echo", ({ payload }) => payload);
  const [one, other] = clients as [Overlay, Overlay];
  const route = { to: other.self.id, channel: "work", subject: "echo" };
  const sent = Buffer.alloc(300_000, "over servers");
  const answer = await one.messenger.request(route, sent, { timeoutMs: 8_000 });
  expect(sent.equals(answer as Uint8Array)).toBe(true);
  const codesOf = (node: Overlay) =>
    node.refusals().map(({ code, direction }) => [code, direction]);
  expect(codesOf(one)).not.toContainEqual(["ERR_CLIENT_REFUSED", "outbound"]);
  const asked = stranger.messenger.request(route, 1, { timeoutMs: 3_000 });
  await expect(asked).rejects.toMatchObject({ code: expect.stringMatching(/UNREACHABLE|TIMEOUT/) });
  expect(codesOf(stranger)).toContainEqual(["ERR_CLIENT_REFUSED", "outbound"]);
  expect(codesOf(other)).toContainEqual(["ERR_CLIENT_REFUSED", "inbound"]);
}, 20_000);
