/**
 * Single links in trouble: half-open, reset, swallowing, slow, flapping, and carrying what no node sent. Nobody is dead,
 * so nobody may be declared dead, and every call must find its way again.
 */
import assert from "node:assert/strict";
import type { Scenario } from "./scenario.js";
import {
  allHear,
  allList,
  allServe,
  allWell,
  balance,
  busyTrio,
  deathsTold,
  form,
  ledgers,
  moreDone,
  startLedgers,
  trio,
} from "./scenario.js";
import type { World } from "../world.js";

/** `n2` has lost its ends of the connections with `n1`, which believes in its own. */
export const halfOpen: Scenario = {
  name: "a half-open link is found out and opened anew; nobody is declared dead",
  needs: ["half-open"],
  play: (world) => troubled(world, () => world.halfOpen("n1", "n2")),
};

export const reset: Scenario = {
  name: "connections that are reset are opened anew; calls in flight are unknown at worst",
  needs: ["reset"],
  play: (world) => troubled(world, () => world.reset("n1", "n2")),
};

/** What a firewall does that forgot its connections. */
export const blackHole: Scenario = {
  name: "connections that swallow everything are found out by probes and opened anew",
  needs: ["black-hole"],
  play: (world) => troubled(world, () => world.blackHole("n1", "n2")),
};

/** A peer that speaks nonsense is cut off, and the real one comes back. */
export const garbage: Scenario = {
  name: "garbage in the middle of a connection ends it, harms nobody, and it is opened anew",
  needs: ["mangle"],
  play: (world) => troubled(world, () => world.injectGarbage("n1", "n2")),
};

export const fragments: Scenario = {
  name: "handshakes and frames that arrive a byte at a time are understood",
  needs: ["mangle"],
  play: async (world) => {
    for (const [a, b] of pairs) await world.fragment(a, b, 1);
    const nodes = await form(world, trio);
    await startLedgers(world, nodes);
    await world.eventually(() => allServe(nodes), "15s");
    await allHear(world, nodes);
    assert.deepEqual(await deathsTold(nodes), []);
    await balance(world, nodes);
  },
};

export const slowLink: Scenario = {
  name: "links of 200 to 300 ms and 50 kB/s: nobody is suspected to death, calls succeed",
  needs: ["slow"],
  play: async (world) => {
    const nodes = await form(world, trio);
    await startLedgers(world, nodes);
    for (const [a, b] of pairs) {
      await world.slow(a, b, { latencyMs: 200, jitterMs: 100, bytesPerSecond: 50_000 });
    }
    for (const node of nodes) await node.work(ledgers, { everyMs: 50 });
    await world.run("6s");
    await moreDone(world, nodes, 5, "10s");
    assert.deepEqual(await deathsTold(nodes), []);
    assert.equal(await allList(nodes), true);
    await world.heal();
    await balance(world, nodes);
    await allWell(world, nodes);
  },
};

/** Cut for 700 ms, open for 700 ms, five times: too short for a verdict, too often for a quiet connection. */
export const flapping: Scenario = {
  name: "a link that flaps five times costs time and no member",
  needs: ["partition"],
  play: async (world) => {
    const nodes = await busyTrio(world, 20);
    for (let i = 0; i < 5; i += 1) {
      await world.partition(["n1"], ["n2"]);
      await world.run("700ms");
      await world.heal();
      await world.run("700ms");
    }
    await allWell(world, nodes);
    assert.deepEqual(await deathsTold(nodes), []);
  },
};

const pairs = [
  ["n1", "n2"],
  ["n1", "n3"],
  ["n2", "n3"],
] as const;

/** Does something to the link of two nodes under calls, and expects all to be well again. */
async function troubled(world: World, trouble: () => Promise<void>): Promise<void> {
  const nodes = await busyTrio(world);
  await moreDone(world, nodes, 20, "10s");
  await trouble();
  await moreDone(world, nodes, 20, "20s");
  await allWell(world, nodes);
  assert.deepEqual(await deathsTold(nodes), []);
}
