/** @foundation/crdt alone: two nodes in memory write one map and agree. */
import assert from "node:assert/strict";
import { memoryCluster, memoryRuntime, virtualClock } from "@foundation/core/testing";
import { createReplicatedMap } from "@foundation/crdt";

const clock = virtualClock();
const cluster = memoryCluster({ clock, nodes: 2 });
const maps = cluster.nodes.map(({ id, messenger, membership, broadcast }) => {
  const runtime = memoryRuntime({ clock, seed: id });
  return createReplicatedMap({ name: "carts", messenger, membership, broadcast, runtime });
});
const [left, right] = maps;
left.set("ann", { items: ["tea"] });
right.set("bob", { items: ["milk"] });
await clock.advance(1_000);
assert.deepEqual(right.get("ann"), { items: ["tea"] });
assert.deepEqual(left.get("bob"), { items: ["milk"] });
await clock.run(Promise.all(maps.map((each) => each.close())));
