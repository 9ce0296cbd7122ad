import { afterEach, describe, expect, test } from "@jest/globals";
import { createCaches, type Cache } from "@foundation/cache";
import { memoryRuntime } from "@foundation/core/testing";
import { cacheWorld, type CacheWorld } from "./world.js";

let world: CacheWorld | undefined;

afterEach(async () => {
  await world?.close();
  world = undefined;
});

const keys = (count: number) => Array.from({ length: count }, (_, i) => `key-${i}`);

async function fill(at: CacheWorld, cache: Cache<number>, count: number): Promise<void> {
  await at.run(cache.setMany(keys(count).map((key, i) => [key, i] as const)));
}

async function holes(at: CacheWorld, cache: Cache<number>, count: number): Promise<string[]> {
  const found = await at.run(cache.getMany(keys(count)));
  return keys(count).filter((key, i) => found.get(key) !== i);
}

describe("a partitioned cache", () => {
  test("gives on every node what one node wrote, and no node keeps everything", async () => {
    world = cacheWorld(5);
    const caches = world.open<number>("numbers", { replicas: 2 });
    await fill(world, caches[0]!, 500);
    for (const cache of caches) expect(await holes(world, cache, 500)).toEqual([]);
    const entries = caches.map((cache) => cache.stats().entries);
    expect(entries.reduce((sum, count) => sum + count, 0)).toBe(1_000);
    expect(Math.max(...entries)).toBeLessThan(400);
  });

  test("loses no key when a node of a cache with two replicas dies", async () => {
    world = cacheWorld(4);
    const caches = world.open<number>("numbers", { replicas: 2 });
    await fill(world, caches[0]!, 500);
    world.cluster.down(3);
    expect(await holes(world, caches[1]!, 500)).toEqual([]);
    await world.clock.advance(600);
    // And not when the next one does, once the first loss is repaired.
    world.cluster.down(2);
    expect(await holes(world, caches[1]!, 500)).toEqual([]);
  });

  test("gives every value while nodes join, and moves only what the newcomers own", async () => {
    world = cacheWorld(3);
    const caches = world.open<number>("numbers", { replicas: 2 });
    await fill(world, caches[0]!, 500);
    const newcomer = world.at(world.cluster.add()).open<number>("numbers", { replicas: 2 });
    for (let i = 0; i < 20; i++) {
      expect(await holes(world, caches[i % 3]!, 500)).toEqual([]);
      await world.clock.advance(20);
    }
    expect(await holes(world, newcomer, 500)).toEqual([]);
    await world.clock.advance(5_000);
    const entries = [...caches, newcomer].map((cache) => cache.stats().entries);
    expect(entries.reduce((sum, count) => sum + count, 0)).toBe(1_000);
  });

  test("gives every value that is asked for by itself while nodes join and fail", async () => {
    world = cacheWorld(3);
    const caches = world.open<number>("numbers", { replicas: 2 });
    await fill(world, caches[0]!, 200);
    const values = keys(200).map((_, i) => i);
    const gets = () => world!.run(Promise.all(keys(200).map((key) => caches[0]!.get(key))));
    world.at(world.cluster.add()).open<number>("numbers", { replicas: 2 });
    for (let i = 0; i < 10; i++) {
      expect(await gets()).toEqual(values);
      await world.clock.advance(20);
    }
    await world.clock.advance(5_000);
    world.cluster.down(2);
    expect(await gets()).toEqual(values);
  });

  test("loses nothing of one replica when its node leaves in order", async () => {
    world = cacheWorld(3);
    const caches = world.open<number>("numbers", { replicas: 1 });
    await fill(world, caches[0]!, 300);
    await world.run(caches[2]!.close());
    expect(await holes(world, caches[0]!, 300)).toEqual([]);
  });

  test("deletes on all nodes, and a deleted key does not come back with a node that missed it", async () => {
    world = cacheWorld(3);
    const caches = world.open<number>("numbers", { replicas: 3 });
    await fill(world, caches[0]!, 100);
    world.cluster.partition([2]);
    await world.clock.advance(200);
    for (const key of keys(50)) await world.run(caches[0]!.delete(key));
    world.cluster.heal();
    await world.clock.advance(10_000);
    for (const cache of caches) {
      const found = await world.run(cache.getMany(keys(100)));
      expect(found.size).toBe(50);
    }
  });
});

describe("the caches of a node", () => {
  test("refuse a key that would be another one on the next node", async () => {
    world = cacheWorld(2);
    const [cache] = world.open<number>("numbers");
    const refused = { code: "ERR_INVALID_ARGUMENT" };
    await expect(world.run(cache!.set("\ud800", 1))).rejects.toMatchObject(refused);
    await expect(world.run(cache!.getMany(["\udc00"]))).rejects.toMatchObject(refused);
    await world.run(cache!.set("\u{1f600}", 1));
    expect(await world.run(cache!.get("\u{1f600}"))).toBe(1);
  });

  test("open a local one again once it was closed, and give nothing of a closed one", async () => {
    world = cacheWorld(1);
    const caches = world.at(world.cluster.node(0));
    const first = caches.open<number>("here", { topology: "local" });
    await first.set("a", 1);
    await first.close();
    const again = caches.open<number>("here", { topology: "local" });
    await again.set("a", 2);
    expect([again.getNow("a"), first.getNow("a")]).toEqual([2, undefined]);
    const shared = caches.open<number>("numbers", { near: true });
    await world.run(shared.set("a", 1));
    await world.run(shared.get("a"));
    expect(shared.getNow("a")).toBe(1);
    await world.run(shared.close());
    expect(shared.getNow("a")).toBeUndefined();
  });
});

describe("a quorum whose voters cannot be reached", () => {
  test("fails calls in their time or when they are given up, and breaks no computation", async () => {
    world = cacheWorld(1);
    const { clock, cluster } = world;
    const { messenger, membership, broadcast } = cluster.node(0);
    const never = () => new Promise<never>(() => undefined);
    const caches = createCaches({
      ...{ messenger, membership, broadcast, runtime: memoryRuntime({ clock }) },
      epochs: () => ({ read: never, replace: never }),
    });
    const cache = caches.open<number>("numbers", { consistency: "quorum" });
    const late = world.run(cache.get("a", { timeout: 100 }));
    await expect(late).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    const controller = new AbortController();
    const given = cache.set("a", 1, { signal: controller.signal });
    controller.abort();
    await expect(given).rejects.toMatchObject({ code: "ERR_ABORTED" });
    expect(await world.run(cache.getOrCompute("a", () => 7))).toBe(7);
    await world.run(caches.close());
  });
});

describe("getOrCompute", () => {
  test("runs one computation for callers on all nodes", async () => {
    world = cacheWorld(10);
    const caches = world.open<number>("numbers", { replicas: 2 });
    let computations = 0;
    const { clock } = world;
    const compute = async () => {
      computations += 1;
      await clock.sleep(50);
      return 42;
    };
    const callers = caches.flatMap((cache) =>
      Array.from({ length: 100 }, () => cache.getOrCompute("answer", compute)),
    );
    const values = await world.run(Promise.all(callers));
    expect(new Set(values)).toEqual(new Set([42]));
    expect(computations).toBe(1);
  });

  test("lets another node compute when the one that does dies", async () => {
    world = cacheWorld(4);
    const caches = world.open<number>("numbers", { replicas: 2 });
    await world.run(caches[0]!.get("warm"));
    const dead = world.cluster.node(3);
    const never = caches[3]!.getOrCompute("answer", () => new Promise<number>(() => undefined));
    never.catch(() => undefined);
    await world.clock.advance(50);
    const waiting = caches[1]!.getOrCompute("answer", () => 7);
    await world.clock.advance(50);
    world.cluster.down(dead);
    expect(await world.run(waiting)).toBe(7);
  });

  test("tells every waiter of a failure, and computes anew after it", async () => {
    world = cacheWorld(3);
    const caches = world.open<number>("numbers");
    const { clock } = world;
    const fail = async (): Promise<number> => {
      await clock.sleep(20);
      throw new Error("the database is down");
    };
    const failures = caches.map((cache) => cache.getOrCompute("answer", fail));
    const told = await world.run(Promise.allSettled(failures));
    expect(told.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(await world.run(caches[2]!.getOrCompute("answer", () => 1))).toBe(1);
  });

  test("lets the next in line compute when the callers of the one that does give up", async () => {
    world = cacheWorld(3);
    const caches = world.open<number>("numbers");
    await world.run(caches[0]!.get("warm"));
    const controller = new AbortController();
    const until = ({ signal }: { readonly signal: AbortSignal }) =>
      new Promise<number>((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error("stopped")), { once: true });
      });
    const first = caches[0]!.getOrCompute("answer", until, { signal: controller.signal });
    first.catch(() => undefined);
    await world.clock.advance(50);
    const second = caches[1]!.getOrCompute("answer", () => 7);
    await world.clock.advance(50);
    controller.abort();
    const third = caches[0]!.getOrCompute("answer", () => 8);
    expect(await world.run(Promise.all([second, third]))).toEqual([7, 7]);
    await expect(first).rejects.toMatchObject({ code: "ERR_ABORTED" });
  });

  test("lets one caller's time end without the others' who wait beside it", async () => {
    world = cacheWorld(2);
    const caches = world.open<number>("numbers");
    const { clock } = world;
    const slow = async () => {
      await clock.sleep(20_000);
      return 7;
    };
    const elsewhere = caches[1]!.getOrCompute("answer", slow);
    await clock.advance(50);
    const hasty = caches[0]!.getOrCompute("answer", slow, { timeout: 10 });
    const patient = caches[0]!.getOrCompute("answer", slow);
    const ends = await world.run(Promise.allSettled([hasty, patient, elsewhere]));
    expect(ends).toMatchObject([{ reason: { code: "ERR_TIMEOUT" } }, { value: 7 }, { value: 7 }]);
  });

  test("does not keep what was computed from data older than a write", async () => {
    world = cacheWorld(3);
    const caches = world.open<string>("texts");
    const { clock } = world;
    const late = caches[0]!.getOrCompute("page", async () => {
      await clock.sleep(100);
      return "old";
    });
    await world.clock.advance(50);
    await world.run(caches[1]!.set("page", "new"));
    expect(await world.run(late)).toBe("old");
    expect(await world.run(caches[2]!.get("page"))).toBe("new");
  });

  test("does not keep what was computed before its tag was invalidated", async () => {
    world = cacheWorld(3);
    const caches = world.open<string>("texts");
    const { clock } = world;
    const slow = async () => {
      await clock.sleep(100);
      return "old";
    };
    const late = caches[0]!.getOrCompute("page", slow, { tags: ["pages"] });
    await world.clock.advance(50);
    await world.run(caches[1]!.invalidateTag("pages"));
    await world.run(late);
    expect(await world.run(caches[2]!.get("page"))).toBeUndefined();
  });

  test("gives the stale value at once while one caller computes the next", async () => {
    world = cacheWorld(3);
    const caches = world.open<number>("numbers", { ttl: "1s", staleFor: "10s" });
    let next = 0;
    const compute = () => ++next;
    expect(await world.run(caches[0]!.getOrCompute("n", compute))).toBe(1);
    await world.clock.advance(1_500);
    const stale = await world.run(Promise.all(caches.map((c) => c.getOrCompute("n", compute))));
    expect(stale).toContain(1);
    await world.clock.advance(100);
    expect(next).toBe(2);
    expect(await world.run(caches[1]!.get("n"))).toBe(2);
  });
});

describe("near copies", () => {
  test("answer without a message, and are withdrawn before a write is acknowledged", async () => {
    world = cacheWorld(4);
    const caches = world.open<number>("numbers", { near: true, replicas: 1 });
    await fill(world, caches[0]!, 50);
    await holes(world, caches[3]!, 50);
    const sent = world.cluster.sent.get("cache.read.numbers");
    expect(sent).toBeGreaterThan(0);
    expect(await holes(world, caches[3]!, 50)).toEqual([]);
    expect(world.cluster.sent.get("cache.read.numbers")).toBe(sent);
    for (const key of keys(50)) {
      await world.run(caches[1]!.set(key, -1));
      expect(await world.run(caches[3]!.get(key))).toBe(-1);
    }
  });

  test("are kept of single gets too, and only of what is fresh", async () => {
    world = cacheWorld(2);
    const caches = world.open<number>("numbers", { near: true, replicas: 1 });
    const { sent } = world.cluster;
    const gets = () => sent.get("cache.get.numbers") ?? 0;
    for (const key of keys(20))
      await world.run(caches[0]!.set(key, 1, { ttl: "1s", staleFor: "1h" }));
    for (const key of keys(20)) expect(await world.run(caches[1]!.get(key))).toBe(1);
    const asked = gets();
    expect(asked).toBeGreaterThan(0);
    for (const key of keys(20)) expect(await world.run(caches[1]!.get(key))).toBe(1);
    expect(gets()).toBe(asked);
    for (const key of keys(20))
      await world.run(caches[0]!.set(key, 2, { ttl: "1s", staleFor: "1h" }));
    for (const key of keys(20)) expect(await world.run(caches[1]!.get(key))).toBe(2);
    expect(gets()).toBe(2 * asked);
    await world.clock.advance(1_100);
    for (const key of keys(20)) expect(await world.run(caches[1]!.get(key))).toBeUndefined();
    expect(gets()).toBe(3 * asked);
  });

  test("are believed for their time at most where they cannot be withdrawn", async () => {
    world = cacheWorld(4);
    const caches = world.open<number>("numbers", { near: { ttl: "2s" }, replicas: 3 });
    await fill(world, caches[0]!, 50);
    await holes(world, caches[3]!, 50);
    world.cluster.partition([3]);
    await world.clock.advance(150);
    const written = caches[0]!.setMany(keys(50).map((key) => [key, -1] as const));
    await world.run(written);
    await world.clock.advance(2_001);
    expect(
      keys(50)
        .map((key) => caches[3]!.getNow(key))
        .filter((v) => v === -1),
    ).toEqual([]);
    world.cluster.heal();
    await world.clock.advance(10_000);
    const values = await world.run(caches[3]!.getMany(keys(50)));
    expect(new Set(values.values())).toEqual(new Set([-1]));
  });
});

describe("a replicated cache", () => {
  test("answers on every node from its own copy", async () => {
    world = cacheWorld(4);
    const caches = world.open<number>("numbers", { topology: "replicated" });
    await fill(world, caches[0]!, 100);
    for (const cache of caches) {
      expect(keys(100).map((key) => cache.getNow(key))).toEqual(keys(100).map((_, i) => i));
    }
  });

  test("joins warm", async () => {
    world = cacheWorld(3);
    const caches = world.open<number>("numbers", { topology: "replicated" });
    await fill(world, caches[0]!, 600);
    const newcomer = world
      .at(world.cluster.add())
      .open<number>("numbers", { topology: "replicated" });
    // It knows the others; before, it is alone, and its cache is empty.
    await world.clock.advance(10);
    expect(await holes(world, newcomer, 600)).toEqual([]);
    await world.clock.advance(1_000);
    expect(newcomer.stats().entries).toBe(600);
  });
});

describe("update", () => {
  test("adds up what all nodes add to one key at once", async () => {
    world = cacheWorld(3);
    const caches = world.open<number>("counts");
    const adding = caches.flatMap((cache) =>
      Array.from({ length: 5 }, () => cache.update("n", (n = 0) => n + 1)),
    );
    await world.run(Promise.all(adding));
    expect(await world.run(caches[0]!.get("n"))).toBe(15);
  });
});

describe("clear, dump and load", () => {
  test("clear empties all nodes and their near copies", async () => {
    world = cacheWorld(3);
    const caches = world.open<number>("numbers", { near: true });
    await fill(world, caches[0]!, 200);
    for (const cache of caches) await holes(world, cache, 200);
    await world.run(caches[1]!.clear());
    for (const cache of caches) {
      expect((await world.run(cache.getMany(keys(200)))).size).toBe(0);
    }
    await fill(world, caches[2]!, 10);
    expect(await holes(world, caches[0]!, 10)).toEqual([]);
  });

  test("a dump of one cluster loads into another, with what is left of the times", async () => {
    world = cacheWorld(3);
    const [cache] = world.open<number>("numbers", { ttl: "10s" });
    await fill(world, cache!, 100);
    await world.clock.advance(4_000);
    const collect = async () => {
      const records = [];
      for await (const record of cache!.dump()) records.push(record);
      return records;
    };
    const records = await world.run(collect());
    expect(records).toHaveLength(100);
    const other = world.open<number>("others", { ttl: "1h" })[1]!;
    expect(await world.run(other.load(records))).toBe(100);
    expect(await holes(world, other, 100)).toEqual([]);
    await world.clock.advance(6_001);
    expect((await world.run(other.getMany(keys(100)))).size).toBe(0);
  });
});
