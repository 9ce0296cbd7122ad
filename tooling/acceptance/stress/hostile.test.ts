/** The longer versions of what strangers and careless users do to a node in use. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import type { Subscription } from "@foundation/foundation";
import { startNode } from "../support/clusters.js";
import { publishToSlow } from "../support/floods.js";
import {
  eventually,
  pairUnderLoad,
  rawLink,
  rawSocket,
  refusalOf,
  type Pair,
} from "../support/undisturbed.js";

const MiB = 1024 * 1024;

/** A third node joins in spite of what goes on, and leaves again. */
async function thirdJoins({ name, a, b }: Pair): Promise<void> {
  const third = await startNode({ name });
  await third.cluster.ready({ nodes: 3, timeout: "15s" });
  await third.cluster.leave();
  for (const { cluster } of [a, b]) {
    await eventually("it has left", () => cluster.nodes().length === 2);
  }
}

describe("a node in use", () => {
  test("1,000,000 messages to a subscriber who never reads stay within its buffer", async () => {
    const pair = await pairUnderLoad();
    const flood = await publishToSlow(pair.a.cluster, pair.b.cluster, 1_000_000);
    expect(flood).toMatchObject({ received: 1_000_000, inOrder: true, dropped: 999_000 });
    expect(flood.grownBytes).toBeLessThan(200 * MiB);
    await pair.undisturbed();
  }, 180_000);

  test("2,000 idle connections are more than it takes, and a good node still joins", async () => {
    const pair = await pairUnderLoad();
    const { address } = pair.a.cluster.self;
    const idle = await Promise.all(Array.from({ length: 2_000 }, () => rawSocket(address)));
    await thirdJoins(pair);
    for (const socket of idle) socket.destroy();
    await pair.undisturbed();
  }, 60_000);

  test("300 handshakes that never go on are more than it takes, and a good node still joins", async () => {
    const pair = await pairUnderLoad();
    const { address } = pair.a.cluster.self;
    const silent = await Promise.all(Array.from({ length: 300 }, () => rawLink(address)));
    await thirdJoins(pair);
    await Promise.all(silent.map(({ closed }) => closed));
    await pair.undisturbed();
  }, 60_000);

  test("100,001 subscriptions are more than one node takes, and closing them makes room", async () => {
    const pair = await pairUnderLoad();
    const { pubsub } = pair.a.cluster;
    const open: Subscription<unknown>[] = [];
    // A turn now and then: what is tried here is the limit, not a stalled event loop.
    const breathe = (i: number) => (i % 1_000 === 0 ? nextTurn() : undefined);
    const openAll = async () => {
      for (let i = 0; i < 100_001; i += 1) {
        open.push(pubsub.subscribe("acceptance.same"));
        await breathe(i);
      }
    };
    expect(await refusalOf(openAll)).toMatchObject({ code: "ERR_TOO_MANY_SUBSCRIPTIONS" });
    for (const [i, subscription] of open.entries()) {
      await subscription.close();
      await breathe(i);
    }
    const again = pubsub.subscribe("acceptance.same");
    await again.ready();
    await again.close();
    await pair.undisturbed();
  }, 120_000);
});
