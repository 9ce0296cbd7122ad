/** @foundation/cache alone: a local cache, and one shared by two nodes in memory. */
import assert from "node:assert/strict";
import { createCaches, createLocalCache } from "@foundation/cache";
import { memoryCluster, memoryRuntime, virtualClock } from "@foundation/core/testing";

const squares = createLocalCache({ ttl: "1m", maxEntries: 100 });
assert.equal(await squares.getOrCompute("4", () => 16), 16);
assert.equal(squares.getNow("4"), 16);
await squares.close();

const clock = virtualClock();
const cluster = memoryCluster({ clock, nodes: 2 });
const nodes = cluster.nodes.map(({ id, messenger, membership, broadcast }) => {
  const runtime = memoryRuntime({ clock, seed: id });
  return createCaches({ messenger, membership, broadcast, runtime });
});
const [here, there] = nodes.map((caches) => caches.open("users", { replicas: 2 }));
await clock.run(here.set("ann", { name: "Ann" }));
assert.deepEqual(await clock.run(there.get("ann")), { name: "Ann" });
await clock.run(Promise.all(nodes.map((caches) => caches.close())));
