import { describe, expect, test } from "@jest/globals";
import type { Membership } from "@foundation/core";
import { memoryCluster, recordingLogger, virtualClock } from "@foundation/core/testing";
import type { PartitionEvent, TopologyListener } from "@foundation/overlay";
import type { ClusterEvent } from "../../../src/cluster-event.js";
import { watchCluster } from "../../../src/runtime/watch.js";

/** Nobody leads, and nobody ever will. */
const nobody = { subscribe: () => () => {} };

/** The node does not leave. */
const never = new AbortController().signal;

/** Reads what is there now. */
async function take(stream: AsyncIterator<ClusterEvent>, count: number): Promise<string[]> {
  const names: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const { value } = (await stream.next()) as { value: ClusterEvent };
    names.push(`${value.type} ${value.node?.name}`);
  }
  return names;
}

/** Membership, with a topology that changes by hand. */
function watched(membership: Membership) {
  const listeners = new Set<TopologyListener>();
  const onTopology = (listener: TopologyListener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const parted = new Set<(event: PartitionEvent) => void>();
  const onPartition = (listener: (event: PartitionEvent) => void) => {
    parted.add(listener);
    return () => parted.delete(listener);
  };
  return { overlay: { membership, onTopology, onPartition }, listeners, parted };
}

describe("watch", () => {
  test("begins with every current member and goes on with each change, in order", async () => {
    const clock = virtualClock();
    const cluster = memoryCluster({ clock, nodes: ["a", "b"] });
    const { overlay } = watched(cluster.node("a").membership);
    const stream = watchCluster(overlay, nobody, recordingLogger(), never, undefined);
    expect((await take(stream, 2)).sort()).toEqual(["node-up a", "node-up b"]);
    cluster.suspect("b");
    cluster.well("b");
    cluster.drain("b");
    cluster.leave("b");
    await clock.advance(100);
    expect(await take(stream, 4)).toEqual([
      "node-suspect b",
      "node-up b",
      "node-draining b",
      "node-left b",
    ]);
  });

  test("ends when the signal fires, and takes no more events", async () => {
    const clock = virtualClock();
    const cluster = memoryCluster({ clock, nodes: ["a"] });
    const abort = new AbortController();
    const { membership } = cluster.node("a");
    const { overlay, listeners } = watched(membership);
    const stream = watchCluster(overlay, nobody, recordingLogger(), never, abort.signal);
    abort.abort();
    cluster.add();
    await clock.advance(100);
    expect((await stream.next()).done).toBe(true);
    expect(listeners.size).toBe(0);
  });

  test("tells of a change of the topology, in its place among the others", async () => {
    const clock = virtualClock();
    const cluster = memoryCluster({ clock, nodes: ["a", "b"] });
    const { overlay, listeners, parted } = watched(cluster.node("a").membership);
    const stream = watchCluster(overlay, nobody, recordingLogger(), never, undefined);
    await take(stream, 2);
    for (const tell of listeners) tell({ from: "full-mesh", to: "hyparview" });
    const nodes = overlay.membership.members();
    for (const tell of parted) tell({ type: "partition", nodes });
    const { value } = await stream.next();
    expect(value).toEqual({ type: "topology-changed", from: "full-mesh", to: "hyparview" });
    expect((await stream.next()).value).toEqual({ type: "partition", nodes });
  });
});
