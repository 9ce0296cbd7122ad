/**
 * Clients whose server dies go on with the next one, over real WebSockets on loopback and whatever the options: what
 * they send each other meanwhile arrives once and in order, broadcasts as well. The tests run side by side.
 */
import { describe, expect, test } from "@jest/globals";
import { nodeClock, type NodeId } from "@foundation/core";
import type { Overlay, OverlayOptions } from "../../src/index.js";
import { clientServerLimits } from "../../src/protocol/client-server/limits.js";
import { Plan } from "../../src/protocol/client-server/plan.js";
import { FaultySockets } from "../support/faulty-sockets.js";
import { OverlayCluster } from "../support/overlay-cluster.js";
import { eventually, hears, listEachOther } from "../support/real-overlays.js";

const clock = nodeClock();
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

interface Variant {
  readonly options: Partial<OverlayOptions>;
  readonly delayMs?: number;
  /** Who is a server is decided by ids, and no node has a role. */
  readonly isElected?: boolean;
}

const work = { name: "work", delivery: "reliable" } as const;
const plain: Partial<OverlayOptions> = { channels: [work] };
const variants: readonly (readonly [string, Variant])[] = [
  ["plainly", { options: plain }],
  ["where servers are elected", { options: plain, isElected: true }],
  ["over TLS", { options: { ...plain, tls: "psk" } }],
  [
    "over several lanes and with compression",
    { options: { channels: [{ ...work, parallelism: 4 }], compression: true } },
  ],
  ["with a delay of 25 ms each way", { options: plain, delayMs: 25 }],
  ["where clients refuse clients", { options: { ...plain, clientLinks: "refused" } }],
];

/** Three servers and three clients or more; answers the clients. */
async function formed(
  cluster: OverlayCluster,
  { delayMs, isElected = false }: Variant,
): Promise<Overlay[]> {
  // Of nine nodes without roles three are servers by their ids.
  for (const i of numbers(isElected ? 9 : 6)) {
    await cluster.start({
      ...(!isElected && i < 3 && { roles: ["server"] }),
      ...(delayMs && { runtime: { transport: new FaultySockets({ delayMs }).transport } }),
    });
  }
  const { nodes } = cluster;
  await eventually("all list all", () => listEachOther(nodes), 30_000);
  const servers = serversOf(nodes);
  expect(servers).toHaveLength(3);
  const clients = nodes.filter(({ self }) => !servers.includes(self.id));
  const isAttached = (node: Overlay) =>
    node.neighbours().length === 2 && node.neighbours().every((id) => servers.includes(id));
  await eventually("clients have two servers", () => clients.every(isAttached), 30_000);
  return clients;
}

/** Who is a server, as every node computes it. */
function serversOf(nodes: readonly Overlay[]): readonly NodeId[] {
  const plan = new Plan(clientServerLimits);
  const members = (nodes[0] as Overlay).membership.members();
  plan.apply(
    members.map(({ id, roles }) => ({ id, roles, draining: false })),
    [],
  );
  return plan.servers;
}

describe("when the servers of clients die one after the other", () => {
  test.concurrent.each(variants)(
    "what clients send each other arrives once and in order (%s)",
    async (_, variant) => {
      const cluster = new OverlayCluster({ topology: "client-server", ...variant.options });
      try {
        const clients = await formed(cluster, variant);
        const [sender, receiver, listener] = clients as [Overlay, Overlay, Overlay];
        const received: unknown[] = [];
        receiver.messenger.handle("count", ({ payload }) => void received.push(payload));
        receiver.messenger.handle("echo", ({ payload }) => payload);
        const heard = hears([listener, receiver], "news");
        const to = { to: receiver.self.id, channel: "work", subject: "count", key: "one" };
        for (const i of numbers(300)) {
          void sender.messenger.send(to, i);
          sender.broadcast.publish("news", i, { channel: "events" });
          if (i === 100 || i === 200) {
            // One of the two that the sender is linked to, and then one of the next two.
            const isItsServer = (node: Overlay) =>
              node !== receiver && node !== listener && sender.neighbours().includes(node.self.id);
            const server = cluster.alive.find(isItsServer) as Overlay;
            await cluster.kill(cluster.nodes.indexOf(server));
          }
          await clock.sleep(5);
        }
        await eventually("all was received", () => received.length >= 300, 30_000);
        expect(received).toEqual(numbers(300));
        await eventually("all list all", () => listEachOther(cluster.alive), 30_000);
        for (const node of [listener, receiver]) {
          const isDone = () => heard.of(node, sender).length >= 300;
          await eventually("all was heard", isDone, 30_000);
          expect(heard.of(node, sender)).toEqual(numbers(300));
        }
        const route = { to: receiver.self.id, channel: "work", subject: "echo" };
        expect(await sender.messenger.request(route, "on", { timeoutMs: 10_000 })).toBe("on");
      } finally {
        await cluster.close();
      }
    },
    120_000,
  );
});
