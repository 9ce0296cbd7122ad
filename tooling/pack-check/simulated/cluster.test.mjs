/**
 * A user's own test of a simulated cluster, by node:test and the packed packages: an application that uses Node's timers,
 * dates and chance as if there were no simulation, and what a failure says.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { defineProcess, startCluster } from "@foundation/foundation";
import { forEachSeed, simulateCluster } from "@foundation/foundation/testing";

const counter = defineProcess({
  name: "counter",
  init: () => ({ total: 0 }),
  call: { add: ({ state }, by) => (state.total += by) },
});

/** Knows nothing of a simulation. */
async function main() {
  const cluster = await startCluster({ name: "shop" });
  await sleep(2_000);
  const startedAt = Date.now();
  const id = randomUUID();
  return { cluster, id, startedAt, add: (by) => cluster.process(counter, "stock").call("add", by) };
}

const runOf = async (seed) => {
  const sim = await simulateCluster({ nodes: 3, seed, app: main });
  try {
    const [a, , c] = sim.nodes;
    await sim.formed();
    await a.run(({ cluster }) =>
      cluster.startProcess(counter, undefined, { name: "stock", distribute: true }),
    );
    await c.run(({ app }) => app.add(2));
    sim.partition([a], sim.nodes.slice(1));
    await sim.eventually(() => a.cluster.nodes().length === 1);
    sim.heal();
    await sim.formed();
    const ids = sim.nodes.map(({ app }) => app.id).join();
    return { hash: sim.trace.hash, ids, startedAt: a.app.startedAt };
  } finally {
    await sim.close();
  }
};

test("an unmodified application runs in virtual time, and its seed repeats it", async () => {
  const [first, again, other] = [await runOf(1), await runOf(1), await runOf(2)];
  assert.deepEqual(again, first);
  assert.notEqual(other.hash, first.hash);
  assert.notEqual(other.ids, first.ids);
  assert.ok(Math.abs(first.startedAt - Date.now()) > 86_400_000, "a simulated date is not today's");
});

test("what fails names the seed", async () => {
  const failing = forEachSeed({ seeds: [7], nodes: 2, app: main }, async (sim) => {
    await sim.eventually(() => sim.nodes[0].cluster.nodes().length === 3, { within: "1s" });
  });
  await assert.rejects(failing, {
    code: "ERR_TIMEOUT",
    message: /\nseed 7: run again with SEED=7$/,
  });
});

test("real input and output is refused by name", async () => {
  const sim = await simulateCluster({ nodes: 1, seed: 1, app: main });
  try {
    const [a] = sim.nodes;
    const asking = a.run(() => fetch("http://127.0.0.1:9/"));
    await assert.rejects(asking, { code: "ERR_SIMULATION_ESCAPED", message: /cluster\.test\.mjs/ });
  } finally {
    await sim.close();
  }
});

test("a rejection nobody handles fails the simulation, not the runner behind its back", async () => {
  const forgetful = async () => {
    const cluster = await startCluster();
    setTimeout(() => void Promise.reject(new TypeError("no such order")), 3_000);
    return cluster;
  };
  const failing = forEachSeed({ seeds: [5], nodes: 2, app: forgetful }, (sim) => sim.run("20s"));
  const message = /^Node a at .*TypeError: no such order\nseed 5: run again with SEED=5$/;
  await assert.rejects(failing, { code: "ERR_SIMULATION_FAILED", message });
});
