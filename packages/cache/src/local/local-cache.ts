/**
 * createLocalCache: a cache of one process. Values are kept as they are, by reference, so a hit costs a look into a table.
 *
 * It is here, beside the shared kinds, so that an application begins with it and changes one word later: times, tags,
 * single flight and `update` mean the same. Limits hold at each write; bytes are counted by encoding, only where
 * `maxBytes` asks for it.
 */
import {
  assertDone,
  checkFunction,
  coreErrors,
  createCodec,
  nodeRuntime,
  resolveLimits,
  shown,
} from "@foundation/core";
import type { Codec, Duration, Runtime } from "@foundation/core";
import type {
  Cache,
  CacheCallOptions,
  CacheEntry,
  CacheRecord,
  CacheStats,
  EntryOptions,
  SetOptions,
} from "../cache.js";
import { Counters } from "../counters.js";
import {
  checkKey,
  checkTags,
  checkValue,
  invalid,
  lifetimeOf,
  ttlOf,
  type Lifetime,
} from "../entry-times.js";
import { cacheErrors } from "../errors.js";
import {
  checkCallOptions,
  checkKeys,
  checkLocalOptions,
  checkPairs,
  checkSetOptions,
} from "../given.js";
import { BYTES_MAX, CACHE_LIMITS, ENTRIES_MAX, type CacheLimits } from "../limits.js";
import { loadRecords } from "../load-records.js";
import { lruShelf, type MakeShelf } from "../protocol/shelf.js";
import { Table, type TableEntry } from "../protocol/table.js";
import { TurnClock } from "../runtime/turn-clock.js";
import { Computations } from "./computations.js";
import { lfuShelf } from "./lfu-shelf.js";
import { parseBytes, type Bytes } from "./parse-bytes.js";

/** How much a cache may hold on one node, and how long. */
export interface CacheBounds extends Pick<EntryOptions, "ttl" | "staleFor"> {
  /** Above it entries are given up: the least recently used first, unless `eviction` says otherwise. @default 100_000 */
  readonly maxEntries?: number | undefined;
  /** `"64mb"` or a number of bytes. @default "64mb"; of a local cache none, because counting costs an encoding */
  readonly maxBytes?: Bytes | undefined;
  readonly limits?: Partial<CacheLimits> | undefined;
}

/** Which entry is given up first: the least recently used one, or the least frequently used one (W-TinyLFU). */
export type Eviction = "lru" | "lfu";

export interface LocalCacheOptions extends CacheBounds {
  /**
   * `lfu` keeps what is asked for often through a scan of what is asked for once; a new entry that is asked for less
   * than all others may be given up at once. @default "lru"
   */
  readonly eviction?: Eviction | undefined;
  /** For errors and logs. @default "local" */
  readonly name?: string | undefined;
  /** Clock; what is missing is Node's own. */
  readonly runtime?: Partial<Runtime> | undefined;
}

interface Kept<V> extends TableEntry {
  readonly value: V;
  readonly version: number;
  readonly freshUntilMs: number;
  /** It is fresh for ever: then a hit need not read a time. */
  readonly isEndless: boolean;
}

/**
 * Opens a cache of this process.
 *
 * @throws {ERR_INVALID_ARGUMENT} a limit or a duration that is none
 *
 * @example
 * ```ts
 * import { createLocalCache } from "@foundation/cache"
 *
 * const users = createLocalCache<{ name: string }>({ ttl: "5m", maxEntries: 10_000 })
 * const ann = await users.getOrCompute("ann", async () => ({ name: "Ann" }))
 * console.log(ann.name, users.getNow("ann")?.name) // Ann Ann
 * await users.close()
 * ```
 */
export function createLocalCache<V>(options: LocalCacheOptions = {}): Cache<V> {
  checkLocalOptions(options);
  return new LocalCache<V>(options);
}

/** The same, for who keeps account of it. */
export function openLocalCache<V>(options: LocalCacheOptions, onClosed: () => void): Cache<V> {
  return new LocalCache<V>(options, onClosed);
}

/** How a table gives entries up. @throws {ERR_INVALID_ARGUMENT} */
export function shelfOf(eviction: Eviction = "lru"): MakeShelf {
  if (eviction === "lru") return lruShelf;
  if (eviction === "lfu") return lfuShelf;
  throw invalid("eviction", '"lru" or "lfu"', shown(eviction));
}

class LocalCache<V> implements Cache<V> {
  readonly name: string;
  readonly topology = "local";
  readonly #clock: Runtime["clock"];
  readonly #turn: TurnClock;
  readonly #limits: CacheLimits;
  readonly #defaults: Lifetime;
  readonly #codec: Codec | undefined;
  readonly #table: Table<Kept<V>>;
  readonly #counters = new Counters();
  readonly #computing = new Computations<V>();
  readonly #onClosed: () => void;
  #versions = 0;
  #closed = false;

  constructor(options: LocalCacheOptions, onClosed: () => void = () => undefined) {
    this.#onClosed = onClosed;
    this.name = options.name ?? "local";
    this.#clock = nodeRuntime(options.runtime).clock;
    this.#turn = new TurnClock(this.#clock);
    this.#limits = resolveLimits(CACHE_LIMITS, options.limits);
    this.#defaults = lifetimeOf(options, { ttlMs: Infinity, staleForMs: 0 });
    this.#codec = options.maxBytes === undefined ? undefined : createCodec();
    const { maxEntries: entriesMax } = resolveLimits(
      { maxEntries: ENTRIES_MAX },
      { maxEntries: options.maxEntries },
    );
    const bytesMax =
      options.maxBytes === undefined ? Number.MAX_SAFE_INTEGER : parseBytes(options.maxBytes);
    this.#table = new Table<Kept<V>>({
      entriesMax,
      bytesMax: options.maxBytes === undefined ? Math.max(BYTES_MAX, bytesMax) : bytesMax,
      shelf: shelfOf(options.eviction),
      onGone: (_, why) => {
        if (why === "evicted") this.#counters.evictions += 1;
        else if (why === "expired") this.#counters.expirations += 1;
      },
    });
  }

  getNow(key: string): V | undefined {
    const entry = this.#table.find(key);
    if (entry !== undefined && (entry.isEndless || !this.#isOver(entry))) {
      this.#counters.localHits += 1;
      return entry.value;
    }
    this.#counters.misses += 1;
    return undefined;
  }

  async get(key: string, options?: CacheCallOptions): Promise<V | undefined> {
    this.#check(key, options);
    return this.getNow(key);
  }

  async getMany(keys: Iterable<string>, options?: CacheCallOptions): Promise<Map<string, V>> {
    checkKeys(keys);
    const found = new Map<string, V>();
    for (const key of keys) {
      this.#check(key, options);
      const value = this.getNow(key);
      if (value !== undefined) found.set(key, value);
    }
    return found;
  }

  async entry(key: string, options?: CacheCallOptions): Promise<CacheEntry<V> | undefined> {
    this.#check(key, options);
    const nowMs = this.#clock.now();
    const kept = this.#table.get(key, nowMs);
    if (kept === undefined) return undefined;
    const { value, version, freshUntilMs, expiresAtMs, tags, sizeBytes } = kept;
    const left = (untilMs: number) => (untilMs === Infinity ? undefined : untilMs - nowMs);
    return {
      key,
      value,
      version: String(version),
      freshForMs: left(freshUntilMs),
      expiresInMs: left(expiresAtMs),
      tags,
      sizeBytes,
    };
  }

  async has(key: string, options?: CacheCallOptions): Promise<boolean> {
    this.#check(key, options);
    const entry = this.#table.find(key);
    return entry !== undefined && !this.#isOver(entry);
  }

  async set(key: string, value: V, options: SetOptions = {}): Promise<void> {
    this.#check(key, options, checkSetOptions);
    this.#computing.supersede(key);
    this.#write(key, value, options);
  }

  async setMany(entries: Iterable<readonly [string, V]>, options: SetOptions = {}): Promise<void> {
    for (const [key, value] of checkPairs(entries)) await this.set(key, value, options);
  }

  async delete(key: string, options?: CacheCallOptions): Promise<boolean> {
    this.#check(key, options);
    return this.#remove(key);
  }

  async touch(key: string, ttl?: Duration, options?: CacheCallOptions): Promise<boolean> {
    this.#check(key, options);
    const ttlMs = ttl === undefined ? this.#defaults.ttlMs : ttlOf(ttl);
    const nowMs = this.#clock.now();
    const kept = this.#table.get(key, nowMs);
    if (kept === undefined) return false;
    const staleForMs = kept.expiresAtMs === Infinity ? 0 : kept.expiresAtMs - kept.freshUntilMs;
    const freshUntilMs = nowMs + ttlMs;
    const isEndless = freshUntilMs === Infinity;
    this.#table.set({ ...kept, isEndless, freshUntilMs, expiresAtMs: freshUntilMs + staleForMs });
    return true;
  }

  async getOrCompute(
    key: string,
    compute: Parameters<Cache<V>["getOrCompute"]>[1],
    options: SetOptions = {},
  ): Promise<V> {
    this.#check(key, options, checkSetOptions);
    checkFunction("getOrCompute", "compute", compute);
    const entry = this.#table.get(key, this.#clock.now());
    if (entry === undefined) {
      this.#counters.misses += 1;
      return this.#compute(key, compute, options);
    }
    this.#counters.localHits += 1;
    if (entry.freshUntilMs <= this.#clock.now()) {
      // Whoever waits for the new value is told of a failure; who is content with the old one is not.
      this.#compute(key, compute, options).catch(() => undefined);
    }
    return entry.value;
  }

  async update(
    key: string,
    change: (current: V | undefined) => V | undefined,
    options: SetOptions = {},
  ): Promise<V | undefined> {
    this.#check(key, options, checkSetOptions);
    checkFunction("update", "change", change);
    const kept = this.#table.find(key);
    const current = kept === undefined || this.#isOver(kept) ? undefined : kept.value;
    const next = change(current);
    assertDone(next, { call: "update", of: `cache "${this.name}"`, done: "written" });
    if (next === undefined) this.#remove(key);
    else {
      this.#computing.supersede(key);
      this.#write(key, next, options);
    }
    return next;
  }

  async invalidateTag(tag: string, options?: CacheCallOptions): Promise<number> {
    this.#check(tag, options);
    this.#computing.supersedeAll();
    const keys = this.#table.tagged(tag);
    for (const key of keys) this.#remove(key);
    return keys.length;
  }

  async clear(options?: CacheCallOptions): Promise<void> {
    this.#check("all", options);
    this.#computing.supersedeAll();
    this.#table.clear();
  }

  async *dump(options?: CacheCallOptions): AsyncIterable<CacheRecord<V>> {
    this.#check("all", options);
    for (const { key, value, expiresAtMs, freshUntilMs, tags } of [...this.#table.entries()]) {
      const nowMs = this.#clock.now();
      if (expiresAtMs <= nowMs) continue;
      const ttlMs = expiresAtMs === Infinity ? {} : { ttlMs: Math.max(1, freshUntilMs - nowMs) };
      const staleForMs =
        expiresAtMs > Math.max(nowMs, freshUntilMs)
          ? { staleForMs: expiresAtMs - Math.max(nowMs, freshUntilMs) }
          : {};
      yield { key, value, ...ttlMs, ...staleForMs, ...(tags.length > 0 && { tags }) };
    }
  }

  load(
    records: Iterable<CacheRecord<V>> | AsyncIterable<CacheRecord<V>>,
    options: CacheCallOptions = {},
  ): Promise<number> {
    return loadRecords(this, records, options);
  }

  stats(): CacheStats {
    return this.#counters.read(this.#table.size, this.#codec ? this.#table.sizeBytes : 0);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#computing.supersedeAll();
    this.#table.clear();
    this.#onClosed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #compute(
    key: string,
    compute: Parameters<Cache<V>["getOrCompute"]>[1],
    options: SetOptions,
  ): Promise<V> {
    return this.#computing.join(key, this.#clock, options, async (isCurrent, givenUp) => {
      this.#counters.computations += 1;
      const value = await compute({ key, signal: givenUp });
      checkValue(value);
      if (isCurrent() && !this.#closed) this.#write(key, value, options);
      return value;
    });
  }

  #write(key: string, value: V, options: SetOptions): void {
    checkValue(value);
    const { tags = [] } = options;
    checkTags(tags, this.#limits);
    const { ttlMs, staleForMs } = lifetimeOf(options, this.#defaults);
    const freshUntilMs = ttlMs === Infinity ? Infinity : this.#clock.now() + ttlMs;
    const entry: Kept<V> = {
      value,
      isEndless: freshUntilMs === Infinity,
      key,
      version: ++this.#versions,
      freshUntilMs,
      expiresAtMs: freshUntilMs + staleForMs,
      tags,
      sizeBytes: this.#codec?.encode(value).length ?? 1,
    };
    if (this.#table.isTooLarge(entry)) {
      const { sizeBytes } = entry;
      throw cacheErrors.ERR_CACHE_ENTRY_TOO_LARGE(
        `The entry "${key.slice(0, 64)}" of the cache "${this.name}" has ${sizeBytes} bytes, more than the whole ` +
          "cache may hold; store less under one key, or raise maxBytes",
        { cache: this.name, sizeBytes },
      );
    }
    this.#table.set(entry);
    this.#counters.writes += 1;
  }

  #remove(key: string): boolean {
    this.#computing.supersede(key);
    const entry = this.#table.peek(key);
    const isThere = entry !== undefined && entry.expiresAtMs > this.#clock.now();
    if (this.#table.remove(key) && isThere) this.#counters.deletions += 1;
    return isThere;
  }

  /** True when the entry may not be given as fresh; one that is not even stale any more goes. */
  #isOver(entry: Kept<V>): boolean {
    const nowMs = this.#turn.now();
    if (entry.expiresAtMs <= nowMs) this.#table.expire(entry.key);
    return entry.freshUntilMs <= nowMs;
  }

  #check(key: string, options: CacheCallOptions | undefined, check = checkCallOptions): void {
    if (this.#closed) {
      throw coreErrors.ERR_CLOSED(`The cache "${this.name}" is closed`, { what: this.name });
    }
    checkKey(key, this.#limits);
    check(this.name, options);
    if (options?.signal?.aborted === true) {
      const target = `cache "${this.name}"`;
      throw coreErrors.ERR_ABORTED("The caller gave up before it began", { target });
    }
  }
}
