/** @foundation/foundation alone: one node, its own process, called by name. */
import assert from "node:assert/strict";
import { defineProcess, startCluster } from "@foundation/foundation";

const counter = defineProcess({
  name: "counter",
  init: ({ from }) => ({ total: from }),
  call: { add: ({ state }, by) => (state.total += by) },
});
const cluster = await startCluster();
assert.equal(cluster.nodes().length, 1);
await cluster.startProcess(counter, { from: 40 }, { name: "orders", distribute: true });
assert.equal(await cluster.process(counter, "orders").call("add", 2), 42);
await cluster.leave();
