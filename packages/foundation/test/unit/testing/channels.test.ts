/** Channels of an application in virtual time: the same code as over sockets, under partitions and crashes. */
import { describe, expect, test } from "@jest/globals";
import { simulateCluster, type NodeContext } from "../../../src/testing/index.js";
import { startCluster } from "../../../src/index.js";

async function app({ options, runtime }: NodeContext) {
  const cluster = await startCluster(options);
  const received: number[] = [];
  const orders = cluster.channel<number, number>("orders", { delivery: "reliable" });
  orders.handle(({ payload, kind }) => {
    if (kind === "message") received.push(payload);
    return payload;
  });
  return { cluster, orders, received, clock: runtime.clock };
}

describe("channels of a simulated application", () => {
  test("reliable messages come exactly once and in order, also when their connection breaks", async () => {
    await using sim = await simulateCluster({ nodes: 2, app, seed: 7 });
    const [a, b] = sim.nodes;
    await sim.formed();
    const target = b.cluster.self;
    const sending = a.run(async ({ app: { orders, clock } }) => {
      for (let i = 0; i < 300; i += 1) {
        await orders.send(target, i);
        await clock.sleep(1);
      }
    });
    for (let i = 0; i < 4; i += 1) {
      await sim.run("50ms");
      sim.reset(a, b);
    }
    await sending;
    await sim.eventually(() => b.app.received.length >= 300);
    await sim.run("1s");
    expect(b.app.received).toEqual(Array.from({ length: 300 }, (_, i) => i));
    const { links } = a.app.orders.stats();
    expect(links.reduce((sum, { reconnects }) => sum + reconnects, 0)).toBeGreaterThan(0);
  });

  test("a request whose target crashes has an unknown outcome, and the next finds nobody", async () => {
    await using sim = await simulateCluster({ nodes: 2, app });
    const [a, b] = sim.nodes;
    await sim.formed();
    b.within(({ cluster }) => cluster.channel("slow").handle(() => new Promise(() => {})));
    const target = b.cluster.self;
    const ask = () =>
      a.run(({ cluster }) => cluster.channel("slow").request(target, 1, { timeout: "20s" }));
    const asked = ask().catch((error: unknown) => error);
    await sim.run("100ms");
    sim.crash(b);
    expect(await asked).toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
    await sim.eventually(() => a.cluster.nodes().length === 1);
    await expect(ask()).rejects.toMatchObject({ code: "ERR_NODE_UNREACHABLE" });
  });

  test("secrets are exchanged, and a node with the old one stays outside", async () => {
    const [old, fresh] = ["an old secret of the cluster", "a fresh secret of the cluster"];
    const start = ({ name, options }: NodeContext) =>
      startCluster({ ...options, security: { secret: name === "c" ? old : [old, fresh] } });
    await using sim = await simulateCluster({ nodes: 3, app: start });
    const [a, b, c] = sim.nodes;
    await sim.formed();
    for (const node of [a, b]) {
      await node.run(({ cluster }) => cluster.reconfigure({ security: { secret: [fresh] } }));
    }
    expect(a.cluster.nodes()).toHaveLength(3);
    sim.crash(c);
    await sim.eventually(() => a.cluster.nodes().length === 2);
    sim.restart(c);
    await sim.run("10s");
    expect([a, b].map(({ cluster }) => cluster.nodes().length)).toEqual([2, 2]);
  });
});
