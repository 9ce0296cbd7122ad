/** What every kind of cache does, whatever keeps its entries: one suite for all of them. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { memoryRuntime, virtualClock, type VirtualClock } from "@foundation/core/testing";
import {
  cached,
  createLocalCache,
  keyvStore,
  type Cache,
  type CacheOptions,
  type Eviction,
} from "@foundation/cache";
import { cacheWorld } from "../unit/runtime/world.js";

interface Opened {
  readonly clock: VirtualClock;
  /** One cache as seen from two places; the same one twice where there is only one place. */
  readonly caches: readonly [Cache<unknown>, Cache<unknown>];
  close(): Promise<void>;
}

function shared(options: CacheOptions): () => Opened {
  return () => {
    const world = cacheWorld(3);
    const [one, , other] = world.open<unknown>("things", options) as Cache<unknown>[];
    return { clock: world.clock, caches: [one!, other!], close: () => world.close() };
  };
}

function local(eviction: Eviction): () => Opened {
  return () => {
    const clock = virtualClock();
    const cache = createLocalCache<unknown>({ eviction, runtime: memoryRuntime({ clock }) });
    return { clock, caches: [cache, cache], close: () => cache.close() };
  };
}

const kinds: readonly (readonly [string, () => Opened])[] = [
  ["local", local("lru")],
  ["local, by frequency", local("lfu")],
  ["partitioned", shared({ replicas: 2 })],
  ["near", shared({ replicas: 2, near: true })],
  ["near, by frequency", shared({ replicas: 2, near: { eviction: "lfu" } })],
  ["replicated", shared({ topology: "replicated" })],
];

describe.each(kinds)("a %s cache", (_, open) => {
  let opened: Opened;
  const run = <T>(promise: Promise<T>) => opened.clock.run(promise);

  beforeEach(() => {
    opened = open();
  });

  afterEach(() => opened.close());

  test("gives what was set, null too, until it is deleted", async () => {
    const [one, other] = opened.caches;
    await run(one.set("a", { n: 1 }));
    await run(one.set("b", null));
    expect(await run(other.get("a"))).toEqual({ n: 1 });
    expect(await run(other.get("b"))).toBeNull();
    expect(await run(other.delete("a"))).toBe(true);
    expect(await run(other.delete("a"))).toBe(false);
    expect(await run(one.get("a"))).toBeUndefined();
    expect(one.getNow("a")).toBeUndefined();
  });

  test("gives an entry until its time is up, touched entries longer", async () => {
    const [one, other] = opened.caches;
    await run(one.set("a", 1, { ttl: "1s" }));
    await run(one.set("b", 2, { ttl: "1s" }));
    await opened.clock.advance(800);
    expect(await run(other.touch("b", "5s"))).toBe(true);
    expect(await run(other.touch("nothing"))).toBe(false);
    await opened.clock.advance(300);
    expect(await run(other.get("a"))).toBeUndefined();
    expect(await run(other.get("b"))).toBe(2);
    expect((await run(one.entry("b")))?.freshForMs).toBeGreaterThan(4_000);
  });

  test("says of an entry what is known about it", async () => {
    const [one, other] = opened.caches;
    await run(one.set("a", 1, { ttl: "10s", staleFor: "5s", tags: ["x"] }));
    const first = await run(other.entry("a"));
    expect(first).toMatchObject({ key: "a", value: 1, tags: ["x"] });
    expect(first!.expiresInMs! - first!.freshForMs!).toBe(5_000);
    await run(one.set("a", 1));
    expect((await run(other.entry("a")))!.version).not.toBe(first!.version);
    expect((await run(other.entry("a")))!.expiresInMs).toBeUndefined();
    expect(await run(other.has("a"))).toBe(true);
  });

  test("deletes by tag, and nothing else", async () => {
    const [one, other] = opened.caches;
    await run(one.set("a", 1, { tags: ["x", "y"] }));
    await run(one.set("b", 2, { tags: ["y"] }));
    await run(one.set("c", 3));
    expect(await run(other.invalidateTag("x"))).toBe(1);
    const found = await run(one.getMany(["a", "b", "c"]));
    expect([...found].sort()).toEqual([
      ["b", 2],
      ["c", 3],
    ]);
  });

  test.each<[string, (cache: Cache<unknown>) => unknown]>([
    ["a key that is empty", (cache) => cache.get("")],
    ["a key that is no text", (cache) => cache.get(5 as never)],
    ["a value that is none", (cache) => cache.set("a", undefined)],
    ["a time that is over at once", (cache) => cache.set("a", 1, { ttl: 0 })],
    ["a tag that is empty", (cache) => cache.set("a", 1, { tags: [""] })],
    ["tags that are one text", (cache) => cache.set("a", 1, { tags: "staff" as never })],
    ["an option that nobody knows", (cache) => cache.set("a", 1, { tll: "5m" } as never)],
    ["an option of writing in a read", (cache) => cache.get("a", { ttl: "5m" } as never)],
    ["options that are none", (cache) => cache.set("a", 1, null as never)],
    ["a signal that is none", (cache) => cache.get("a", { signal: true as never })],
    ["keys that are one text", (cache) => cache.getMany("ann")],
    ["no keys at all", (cache) => cache.getMany(null as never)],
    ["pairs that are none", (cache) => cache.setMany([5] as never)],
    ["a record that is none", (cache) => cache.load([5] as never)],
    ["a computation that is no function", (cache) => cache.getOrCompute("a", 5 as never)],
    ["a change that is no function", (cache) => cache.update("a", 5 as never)],
    ["a change that goes on", (cache) => cache.update("a", (async () => 5) as never)],
    [
      "a function to keep that is none",
      async (cache) => cached(5 as never, { cache, key: String }),
    ],
    ["a function kept without a key", async (cache) => cached(() => 5, { cache } as never)],
    ["a function kept nowhere", async () => cached(() => 5, { cache: {}, key: String } as never)],
    ["a store over no cache", async () => keyvStore({} as never)],
  ])("refuses %s, by name, and keeps nothing", async (_, call) => {
    const [one] = opened.caches;
    const refused = { code: "ERR_INVALID_ARGUMENT" };
    await expect(run(Promise.resolve(call(one)))).rejects.toMatchObject(refused);
    expect(await run(one.get("a"))).toBeUndefined();
  });

  test("keeps the results of a function, and forgets one when told", async () => {
    const [one, other] = opened.caches;
    let calls = 0;
    const square = (n: number) => {
      calls += 1;
      return n * n;
    };
    const key = (n: number) => `square:${n}`;
    const here = cached(square, { cache: one as Cache<number>, key });
    const there = cached(square, { cache: other as Cache<number>, key });
    expect(await run(here(4))).toBe(16);
    expect(await run(there(4))).toBe(16);
    expect(calls).toBe(1);
    expect(await run(here.forget(4))).toBe(true);
    expect(await run(there(4))).toBe(16);
    expect(calls).toBe(2);
  });

  test("takes nothing more once it is closed", async () => {
    const [one] = opened.caches;
    await run(one.set("a", 1));
    await run(one.close());
    await expect(run(one.get("a"))).rejects.toMatchObject({ code: "ERR_CLOSED" });
    await expect(run(one.set("a", 2))).rejects.toMatchObject({ code: "ERR_CLOSED" });
    await run(one.close());
  });
});
