/** @foundation/pubsub alone: one node in memory publishes, another receives. */
import assert from "node:assert/strict";
import { memoryCluster, memoryRuntime, virtualClock } from "@foundation/core/testing";
import { createPubSub, defineTopic } from "@foundation/pubsub";

const clock = virtualClock();
const cluster = memoryCluster({ clock, nodes: 2 });
const [publisher, subscriber] = cluster.nodes.map(({ id, messenger, membership, broadcast }) => {
  const runtime = memoryRuntime({ clock, seed: id });
  return createPubSub({ messenger, membership, broadcast, runtime });
});
const orderPlaced = defineTopic("orders.placed");
const orders = subscriber.subscribe(orderPlaced);
await clock.run(orders.ready());
publisher.publish(orderPlaced, { id: "o-1", cents: 1299 });
const { value } = await clock.run(orders[Symbol.asyncIterator]().next());
assert.deepEqual(value.data, { id: "o-1", cents: 1299 });
await clock.run(Promise.all([publisher.close(), subscriber.close()]));
