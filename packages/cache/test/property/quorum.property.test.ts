/** Quorum mode under partitions, crashes, joins and restarts: what is read was never overwritten before the read began. */
import { describe, expect, test } from "@jest/globals";
import type { MemoryClusterNode } from "@foundation/core/testing";
import type { Cache } from "@foundation/cache";
import { play } from "./quorum-world.js";

const RUNS = Number(process.env["CACHE_RUNS"] ?? 3);

describe("quorum mode", () => {
  test.each([2, 3])(
    "never gives a stale value after an acknowledged newer write, with %i owners",
    async (replicas) => {
      let hits = 0;
      for (let seed = 1; seed <= RUNS; seed++) {
        const world = await play(seed, replicas);
        expect({ seed, stale: world.stale() }).toEqual({ seed, stale: [] });
        hits += world.reads.filter(({ value }) => value !== undefined).length;
        // After the faults everything is served again.
        const [node] = world.cluster.nodes;
        const cache = world.caches.get(node as MemoryClusterNode) as Cache<number>;
        await world.clock.run(cache.set("after", seed));
        expect(await world.clock.run(cache.get("after"))).toBe(seed);
      }
      expect(hits).toBeGreaterThan(RUNS * 50);
    },
    120_000,
  );
});
