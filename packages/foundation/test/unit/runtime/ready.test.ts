import { describe, expect, test } from "@jest/globals";
import { memoryCluster, virtualClock } from "@foundation/core/testing";
import { membersReady } from "../../../src/runtime/ready.js";

describe("ready", () => {
  test("resolves at once when the nodes are there", async () => {
    const clock = virtualClock();
    const { membership } = memoryCluster({ clock, nodes: 3 }).node(0);
    await membersReady(membership, clock, { nodes: 3 });
  });

  test("waits for the last node", async () => {
    const clock = virtualClock();
    const cluster = memoryCluster({ clock, nodes: 1 });
    let isReady = false;
    const waiting = membersReady(cluster.node(0).membership, clock, { nodes: 2 }).then(() => {
      isReady = true;
    });
    await clock.advance(1_000);
    expect(isReady).toBe(false);
    cluster.add();
    await clock.advance(1_000);
    await waiting;
    expect(isReady).toBe(true);
  });

  test("says how many were there when the time runs out", async () => {
    const clock = virtualClock();
    const { membership } = memoryCluster({ clock, nodes: 2 }).node(0);
    const waiting = membersReady(membership, clock, { nodes: 3, timeout: "5s" });
    const failed = expect(waiting).rejects.toMatchObject({
      code: "ERR_NOT_READY",
      details: { wanted: 3, found: 2, withinMs: 5_000 },
    });
    await clock.advance(5_000);
    await failed;
  });

  test("ends with ERR_ABORTED when the signal fires, also when it fired before", async () => {
    const clock = virtualClock();
    const { membership } = memoryCluster({ clock, nodes: 1 }).node(0);
    const abort = new AbortController();
    const waiting = membersReady(membership, clock, { nodes: 2, signal: abort.signal });
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: "ERR_ABORTED" });
    const late = membersReady(membership, clock, { nodes: 2, signal: abort.signal });
    await expect(late).rejects.toMatchObject({ code: "ERR_ABORTED" });
  });

  test("ends with ERR_CLOSED when the node leaves, also when it has left before", async () => {
    const clock = virtualClock();
    const { membership } = memoryCluster({ clock, nodes: 1 }).node(0);
    const left = new AbortController();
    const waiting = membersReady(membership, clock, { nodes: 2 }, left.signal);
    left.abort();
    await expect(waiting).rejects.toMatchObject({ code: "ERR_CLOSED" });
    const late = membersReady(membership, clock, { nodes: 2 }, left.signal);
    await expect(late).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });

  test.each([0, -1, 1.5, Number.NaN])("refuses to wait for %d nodes", async (nodes) => {
    const clock = virtualClock();
    const { membership } = memoryCluster({ clock, nodes: 1 }).node(0);
    await expect(membersReady(membership, clock, { nodes })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
  });
});
