/** A node whose clock is wrong, or that is: versions from far ahead must not keep the others from writing. */
import { expect, test } from "@jest/globals";
import { wireOf, wireVersion } from "../../../src/protocol/item.js";
import { bucketOf } from "../../../src/protocol/key-hash.js";
import { CHANNEL, subjectOf, type Verb } from "../../../src/runtime/world.js";
import { cacheWorld, type CacheWorld } from "./world.js";

const item = (epoch: number, counter: number, writer: string) => ({
  ...{ key: "k", version: { epoch, counter, writer }, bytes: new Uint8Array([1]) },
  ...{ freshForMs: Infinity, staleForMs: 0, tags: [] },
});

test.each<[string, Verb, number, number]>([
  ["a repair with the largest counter", "mend", 0, Number.MAX_SAFE_INTEGER],
  ["a repair of an epoch, which this mode has none of", "mend", 1, 1],
  ["a copy with the largest counter", "copy", 0, Number.MAX_SAFE_INTEGER],
  ["an order to empty a bucket up to the largest counter", "wipe", 0, Number.MAX_SAFE_INTEGER],
])("%s is refused, and every node goes on writing", async (_, verb, epoch, counter) => {
  const world = cacheWorld(2);
  try {
    const caches = world.open<number>("numbers", { replicas: 2 });
    await world.run(caches[0]!.set("k", 1));
    const poison = item(epoch, counter, world.cluster.nodes[1]!.id);
    const list =
      verb === "wipe" ? [[bucketOf("k"), wireVersion(poison.version)]] : [wireOf(poison)];
    await expect(send(world, verb, [0, list])).rejects.toMatchObject({
      ...{ code: "ERR_CACHE_UNAVAILABLE", message: expect.stringContaining("ahead of") },
    });
    for (const [i, cache] of caches.entries()) {
      await world.run(cache.set("k", 2 + i));
      for (const each of caches) expect(await world.run(each.get("k"))).toBe(2 + i);
    }
  } finally {
    await world.close();
  }
});

test("a version from an hour ahead is taken, and who writes later is above it", async () => {
  const world = cacheWorld(2);
  try {
    const caches = world.open<number>("numbers", { replicas: 2 });
    await world.run(caches[0]!.set("k", 1));
    const ahead = item(0, (world.clock.wallNow() + 3_600_000) * 1_024, world.cluster.nodes[1]!.id);
    expect(await send(world, "mend", [0, [wireOf(ahead)]])).toBe(true);
    await world.run(caches[1]!.set("k", 2));
    for (const each of caches) expect(await world.run(each.get("k"))).toBe(2);
  } finally {
    await world.close();
  }
});

function send({ cluster, run }: CacheWorld, verb: Verb, payload: unknown): Promise<unknown> {
  const [one, other] = cluster.nodes;
  const route = { to: one!.id, channel: CHANNEL, subject: subjectOf(verb, "numbers") };
  return run(other!.messenger.request(route, payload, { timeoutMs: 1_000 }));
}
