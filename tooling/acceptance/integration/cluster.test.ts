import { describe, expect, test } from "@jest/globals";
import type { ClusterEvent } from "@foundation/foundation";
import { startNode, startNodes, uniqueName } from "../support/clusters.js";

describe("a cluster of three nodes on one machine", () => {
  test("forms without configuration: all of them list all of them, ordered alike", async () => {
    const nodes = await startNodes(3);
    const lists = nodes.map(({ cluster }) => cluster.nodes().map(({ id }) => id));
    expect(lists[0]).toHaveLength(3);
    expect(lists[1]).toEqual(lists[0]);
    expect(lists[2]).toEqual(lists[0]);
  });

  test("a node that joins a running cluster sees it when startCluster resolves", async () => {
    const name = uniqueName();
    await startNode({ name });
    await startNode({ name });
    const third = await startNode({ name });
    expect(third.cluster.nodes()).toHaveLength(3);
  });

  test("watch begins with a node-up for every member, then tells of a clean leave", async () => {
    const [a, b] = await startNodes(2);
    const seen: ClusterEvent[] = [];
    const abort = new AbortController();
    const watching = (async () => {
      for await (const event of a!.cluster.watch({ signal: abort.signal })) {
        seen.push(event);
        if (event.type === "node-left") return;
      }
    })();
    await b!.cluster.leave();
    await watching;
    expect(seen.slice(0, 2).map(({ type }) => type)).toEqual(["node-up", "node-up"]);
    const left = seen.at(-1);
    expect(left?.type === "node-left" && left.node.name).toBe("node-2");
    expect(a!.cluster.nodes()).toHaveLength(1);
  });

  test("nodes can be listed by role and labels", async () => {
    const name = uniqueName();
    const a = await startNode({ name, node: { name: "a", roles: ["ai"], labels: { zone: "1" } } });
    const b = await startNode({ name, node: { name: "b", roles: ["web"], labels: { zone: "1" } } });
    await a.cluster.ready({ nodes: 2 });
    await b.cluster.ready({ nodes: 2 });
    expect(b.cluster.nodes({ role: "ai" }).map((node) => node.name)).toEqual(["a"]);
    expect(b.cluster.nodes({ labels: { zone: "1" } })).toHaveLength(2);
    expect(b.cluster.nodes({ role: "ai", labels: { zone: "2" } })).toEqual([]);
  });

  test("health asks every node, and info says the same without asking", async () => {
    const [a] = await startNodes(3);
    const report = await a!.cluster.health();
    expect(report).toMatchObject({
      status: "healthy",
      cluster: { nodes: 3, reachable: 3, strategy: "local", topology: "full-mesh" },
      recommendations: [],
    });
    expect(report.nodes.every(({ vitals }) => (vitals?.rssBytes ?? 0) > 1_000_000)).toBe(true);
    expect(a!.cluster.info()).toMatchObject({ health: "healthy", strategy: "local" });
  });

  test("two clusters of different names on one machine never meet", async () => {
    const a = await startNode({ name: uniqueName() });
    const b = await startNode({ name: uniqueName() });
    await expect(a.cluster.ready({ nodes: 2, timeout: "500ms" })).rejects.toMatchObject({
      code: "ERR_NOT_READY",
      details: { wanted: 2, found: 1 },
    });
    expect(b.cluster.nodes()).toHaveLength(1);
  });

  test("leave is idempotent and ends every watch", async () => {
    const { cluster } = await startNode({ name: uniqueName() });
    const events: string[] = [];
    const watching = (async () => {
      for await (const event of cluster.watch()) events.push(event.type);
    })();
    await Promise.all([cluster.leave(), cluster.leave()]);
    await watching;
    expect(events[0]).toBe("node-up");
  });
});
