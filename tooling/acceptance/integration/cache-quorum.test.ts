/**
 * A cache in quorum mode over the consensus of a cluster: its lists of nodes are committed by three voters with disks, and
 * once a write was acknowledged no node reads anything older, whoever leaves meanwhile.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Cache } from "@foundation/cache";
import { startNode, uniqueName } from "../support/clusters.js";

const VOTERS = ["voter-0", "voter-1", "voter-2"];
const WRITES = 40;
const TIMEOUT_MS = 60_000;

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "cache-quorum-"));
});

afterAll(() => rm(directory, { recursive: true, maxRetries: 5 }));

test(
  "no node reads an older value than the last acknowledged one, while a node joins and another leaves",
  async () => {
    const name = uniqueName();
    const start = (node: string) =>
      startNode({
        name,
        node: { name: node },
        dataDir: join(directory, node),
        consensus: { voters: VOTERS },
      });
    const nodes = await Promise.all(VOTERS.map(start));
    await Promise.all(nodes.map(({ cluster }) => cluster.ready({ nodes: 3, timeout: "20s" })));
    const options = { consistency: "quorum", replicas: 3 } as const;
    const caches: Cache<number>[] = nodes.map(({ cluster }) => cluster.cache("totals", options));
    const [first, second] = caches as [Cache<number>, Cache<number>];
    await first.set("n", 0, { timeout: "20s" });

    let acknowledged = 0;
    let isOver = false;
    let hasLeft = false;
    const stale: string[] = [];
    const readers = caches.map(async (cache, reader) => {
      while (!isOver) {
        const atLeast = acknowledged;
        let read: number | undefined;
        try {
          read = await cache.get("n", { timeout: "20s" });
        } catch (error) {
          // The cache of the node that leaves is closed under its reader.
          if (reader === 2 && hasLeft) return;
          throw error;
        }
        if ((read ?? -1) < atLeast) stale.push(`node ${reader}: ${read} after ${atLeast}`);
      }
    });
    for (let n = 1; n <= WRITES; n++) {
      await (n % 2 === 0 ? first : second).set("n", n, { timeout: "20s" });
      acknowledged = n;
      if (n === 10) caches.push((await start("client-0")).cluster.cache("totals", options));
      if (n === 20) {
        hasLeft = true;
        await nodes[2]?.cluster.leave();
      }
    }
    isOver = true;
    await Promise.all(readers);
    expect(stale).toEqual([]);
    expect(await caches.at(-1)?.get("n", { timeout: "20s" })).toBe(WRITES);
    const updated = await second.update("n", (n = 0) => n + 1, { timeout: "20s" });
    expect([updated, await first.get("n")]).toEqual([WRITES + 1, WRITES + 1]);
    for (const cache of caches.filter((_, index) => index !== 2)) await cache.close();
  },
  TIMEOUT_MS,
);
