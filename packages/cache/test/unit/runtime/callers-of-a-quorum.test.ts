/** Callers of one node that compute the same key, quorum mode. */
import { expect, test } from "@jest/globals";
import { createCaches, type RingEpoch } from "@foundation/cache";
import { memoryCluster, memoryRuntime, seededRandom, virtualClock } from "@foundation/core/testing";

test("who asks after an acknowledged write is not given what another caller of its node began to compute before", async () => {
  const clock = virtualClock();
  const cluster = memoryCluster({ clock, nodes: 2, random: seededRandom("callers") });
  let committed: RingEpoch | undefined;
  const epochs = () => ({
    read: async () => committed,
    replace: async (expected: number, next: RingEpoch) => {
      if ((committed?.epoch ?? 0) !== expected) return false;
      committed = next;
      return true;
    },
  });
  const opened = cluster.nodes.map(({ messenger, membership, broadcast, name }) => {
    const runtime = memoryRuntime({ clock, seed: name });
    return createCaches({ messenger, membership, broadcast, runtime, epochs });
  });
  const [here, there] = opened.map((caches) =>
    caches.open<string>("users", { consistency: "quorum" }),
  );
  await clock.advance(5_000);
  const slow = here!.getOrCompute("ann", async () => {
    await clock.sleep(500);
    return "of before";
  });
  await clock.advance(100);
  await clock.run(there!.set("ann", "written"));
  expect(await clock.run(here!.getOrCompute("ann", () => "computed anew"))).toBe("written");
  expect(await clock.run(slow)).toBe("of before");
  expect(await clock.run(there!.get("ann"))).toBe("written");
  await clock.run(Promise.all(opened.map((caches) => caches.close())));
});
