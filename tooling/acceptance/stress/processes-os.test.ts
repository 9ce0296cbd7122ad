/** The longer versions of what real processes go through: many starts, many restarts, many kills. */
import { describe, expect, test } from "@jest/globals";
import { OsNode, osCluster, place, restarted } from "../support/os-nodes.js";
import { eventually } from "../support/undisturbed.js";

describe("node processes", () => {
  test("two that start at exactly the same time find each other, twenty times of twenty", async () => {
    const name = place.name;
    for (let i = 0; i < 20; i += 1) {
      place.name = `${name}-${i}`;
      const pair = await osCluster(2);
      for (const { child } of pair) child.kill("SIGKILL");
    }
  }, 180_000);

  test("one that restarts ten times with its data directory keeps its id, each boot newer", async () => {
    const [a] = (await osCluster(1)) as [OsNode];
    // Every other time it is started again before the other node can know that it is gone.
    await restarted(a, 10, (start) => start % 2 === 1);
  }, 120_000);

  test("killed at thirty moments of their start leave nothing that keeps others from meeting", async () => {
    const [a] = (await osCluster(1)) as [OsNode];
    for (let i = 0; i < 30; i += 1) {
      const doomed = new OsNode({ node: { name: `doomed-${i}` } });
      const startedAt = performance.now();
      await eventually("its moment", () => performance.now() - startedAt > 40 * i);
      doomed.child.kill("SIGKILL");
      await doomed.exited();
    }
    const b = new OsNode({ node: { name: "node-2" } });
    for (const node of [a, b]) await node.until("the two of them", () => node.members === 2);
    expect(a.ended).toBeUndefined();
  }, 180_000);
});
