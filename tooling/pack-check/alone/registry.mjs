/** @foundation/registry alone: three nodes in memory share a process and its name. */
import assert from "node:assert/strict";
import { createKernel, defineProcess } from "@foundation/core";
import { memoryCluster, memoryRuntime, virtualClock } from "@foundation/core/testing";
import { createRegistry } from "@foundation/registry";

const clock = virtualClock();
const cluster = memoryCluster({ clock, nodes: 3 });
const counter = defineProcess({
  name: "counter",
  init: ({ from }) => ({ total: from }),
  call: { add: ({ state }, by) => (state.total += by) },
});
const registries = cluster.nodes.map(({ id, boot, messenger, membership, broadcast }) => {
  const runtime = memoryRuntime({ clock, seed: id });
  const kernel = createKernel({ node: id, boot, runtime });
  return createRegistry({ messenger, membership, broadcast, kernel, runtime });
});
const [first, , third] = registries;
await clock.advance(1_000);
const start = first.startProcess(counter, { from: 40 }, { name: "orders", distribute: true });
await clock.run(start);
await clock.advance(1_000);
assert.equal(await clock.run(third.process(counter, "orders").call("add", 2)), 42);
await clock.run(Promise.all(registries.map((each) => each.close())));
