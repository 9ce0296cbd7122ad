/** @foundation/testkit alone: its transport contract, run by Node's own test runner. */
import assert from "node:assert/strict";
import { memoryNetwork, virtualClock } from "@foundation/core/testing";
import { transportContract, virtualTime } from "@foundation/testkit";

const tests = [];
const runner = {
  describe: (_name, fn) => fn(),
  test: (name, fn) => tests.push({ name, fn }),
};
transportContract(runner, {
  create() {
    const clock = virtualClock();
    const network = memoryNetwork({ clock, latencyMs: 1 });
    const transport = network.transport("a");
    return { transport, host: "a", time: virtualTime(clock), close() {} };
  },
});
assert.ok(tests.length > 3, "the contract has tests");
for (const { fn } of tests) await fn();
