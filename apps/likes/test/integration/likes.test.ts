import assert from "node:assert/strict";
import { test } from "@jest/globals";
import { simulateCluster } from "@foundation/foundation/testing";
import { startLikes } from "../../src/likes.js";

test("a like is counted on every node, also on one that was cut off", async () => {
  await using sim = await simulateCluster({ nodes: 3, app: startLikes });
  const [a, b, c] = sim.nodes;
  await sim.formed();
  sim.partition([a, b], c);
  await sim.eventually(() => a.cluster.nodes().length === 2);
  await a.run(({ app }) => app.like());
  sim.heal();
  await sim.formed();
  await sim.eventually(() => {
    assert.deepEqual([a.app.total(), b.app.total(), c.app.total()], [1, 1, 1]);
  });
});
