/** Floods: far more messages than anybody can take, from one node to another. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { defineProcess, type Cluster } from "@foundation/foundation";

/** Counts what reaches it, and whether it came in order. */
export const tally = defineProcess({
  name: "acceptance.tally",
  init: () => ({ count: 0, last: -1, inOrder: true }),
  call: { read: ({ state }) => ({ ...state }) },
  cast: {
    note: ({ state }, n: number) => {
      state.count += 1;
      state.inOrder &&= n > state.last;
      state.last = n;
    },
  },
});

/** Messages that are published between two turns of the event loop. */
const batch = 200;

/**
 * Publishes `count` numbers to one subscriber on another node who never reads, and to one who does.
 * Gives what became of them, and how much the resident set grew meanwhile, in bytes.
 */
export async function publishToSlow(from: Cluster, to: Cluster, count: number) {
  const slow = to.pubsub.subscribe("acceptance.flood", { buffer: 1_000, overflow: "drop-oldest" });
  const quick = to.pubsub.subscribe("acceptance.flood", { buffer: 10_000 });
  await Promise.all([slow.ready(), quick.ready()]);
  let received = 0;
  let inOrder = true;
  const reading = (async () => {
    for await (const { data } of quick) {
      inOrder &&= data === received;
      received += 1;
      if (received === count) break;
    }
  })();
  const before = process.memoryUsage.rss();
  let peak = before;
  for (let n = 0; n < count; n += 1) {
    from.pubsub.publish("acceptance.flood", n);
    if (n % batch === 0) await nextTurn();
    if (n % 10_000 === 0) peak = Math.max(peak, process.memoryUsage.rss());
  }
  await reading;
  const result = { received, inOrder, dropped: slow.dropped, grownBytes: peak - before };
  await slow.close();
  return result;
}
