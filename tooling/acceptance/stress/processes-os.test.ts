/** The longer versions of what real processes go through: many starts, many restarts, many kills. */
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { OsNode, osCluster, place } from "../support/os-nodes.js";
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
    const boots: string[] = [];
    const ids = new Set<string>();
    for (let i = 0; i < 10; i += 1) {
      const node = new OsNode({ node: { name: "again" }, dataDir: join(place.folder, "data") });
      await node.until("a pair", () => node.members === 2);
      await a.until("a pair", () => a.members === 2);
      boots.push(node.first("up")?.boot ?? "");
      ids.add(node.first("up")?.id ?? "");
      // Every other time it is started again before the other node can know that it is gone.
      node.child.kill(i % 2 === 0 ? "SIGKILL" : "SIGTERM");
      await node.exited();
      if (i % 2 === 1) await a.until("alone", () => a.members === 1);
    }
    expect(ids.size).toBe(1);
    expect(new Set(boots).size).toBe(10);
    expect(boots).toEqual(boots.toSorted());
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
