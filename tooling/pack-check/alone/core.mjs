/** @foundation/core alone: a process of one node, and a codec, without any other package of ours. */
import assert from "node:assert/strict";
import {
  createBoot,
  createCodec,
  createKernel,
  createNodeId,
  defineProcess,
  localRef,
} from "@foundation/core";
import { memoryRuntime } from "@foundation/core/testing";

const runtime = memoryRuntime();
const node = createNodeId(runtime.random);
const kernel = createKernel({ node, boot: createBoot(1, runtime.random), runtime });
const counter = defineProcess({
  name: "counter",
  init: ({ from }) => ({ total: from }),
  call: { add: ({ state }, by) => (state.total += by) },
});
const pid = await runtime.clock.run(kernel.spawn(counter, { from: 40 }));
const ref = localRef({ kernel, clock: runtime.clock, definition: counter, pid });
assert.equal(await runtime.clock.run(ref.call("add", 2)), 42);
await runtime.clock.run(kernel.close());

const codec = createCodec();
assert.deepEqual(codec.decode(codec.encode({ list: [1n, new Map([["a", 1]])] })), {
  list: [1n, new Map([["a", 1]])],
});
