import { describe, expect, test } from "@jest/globals";
import { memoryCluster, recordingLogger, virtualClock } from "@foundation/core/testing";
import type { ClusterEvent } from "../../../src/cluster-event.js";
import { watchMembership } from "../../../src/runtime/watch.js";

/** The node does not leave. */
const never = new AbortController().signal;

/** Reads what is there now. */
async function take(stream: AsyncIterator<ClusterEvent>, count: number): Promise<string[]> {
  const names: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const { value } = (await stream.next()) as { value: ClusterEvent };
    names.push(`${value.type} ${value.node.name}`);
  }
  return names;
}

describe("watch", () => {
  test("begins with every current member and goes on with each change, in order", async () => {
    const clock = virtualClock();
    const cluster = memoryCluster({ clock, nodes: ["a", "b"] });
    const stream = watchMembership(
      cluster.node("a").membership,
      recordingLogger(),
      never,
      undefined,
    );
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
    const stream = watchMembership(membership, recordingLogger(), never, abort.signal);
    abort.abort();
    cluster.add();
    await clock.advance(100);
    expect((await stream.next()).done).toBe(true);
  });
});
