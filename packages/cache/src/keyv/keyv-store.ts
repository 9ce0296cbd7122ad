/**
 * keyvStore: a cache of Foundation as storage of Keyv (https://keyv.org), for the many libraries that take one.
 *
 * Keyv wraps each value with its own expiry and serialises it, so what is kept here is a text; it also puts the namespace
 * before the keys, which is why `clear` of a namespace needs a look at all keys. Passes Keyv's published suite unmodified.
 */
import type { Cache } from "../cache.js";
import { checkCache } from "../given.js";

/** What Keyv asks of a storage adapter; its own type is `KeyvStoreAdapter`. */
export interface KeyvStore {
  opts: unknown;
  namespace?: string | undefined;
  get<V>(key: string): Promise<V | undefined>;
  getMany<V>(keys: string[]): Promise<(V | undefined)[]>;
  set(key: string, value: unknown, ttlMs?: number): Promise<boolean>;
  setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<void>;
  has(key: string): Promise<boolean>;
  delete(key: string): Promise<boolean>;
  deleteMany(keys: string[]): Promise<boolean>;
  clear(): Promise<void>;
  iterator<V>(namespace?: string): AsyncGenerator<[string, V]>;
  disconnect(): Promise<void>;
  on(event: string, listener: (...args: unknown[]) => void): this;
}

/**
 * A storage adapter for Keyv over a cache. Closing the cache stays with whoever opened it.
 *
 * @throws {ERR_INVALID_ARGUMENT} what is given is no cache
 *
 * @example
 * ```ts
 * import { createLocalCache, keyvStore } from "@foundation/cache"
 *
 * const store = keyvStore(createLocalCache<unknown>({ maxEntries: 10_000 }))
 * await store.set("greeting", "hello", 60_000) // new Keyv({ store }) does this
 * console.log(await store.get("greeting")) // hello
 * ```
 */
export function keyvStore(cache: Cache<unknown>): KeyvStore {
  checkCache("keyvStore", cache);
  return new CacheStore(cache);
}

class CacheStore implements KeyvStore {
  /** Keyv lets only stores of a few dialects iterate; of these, one of prefixed keys is the one this behaves as. */
  opts: unknown = { dialect: "redis" };
  namespace?: string | undefined;
  readonly #cache: Cache<unknown>;

  constructor(cache: Cache<unknown>) {
    this.#cache = cache;
  }

  async get<V>(key: string): Promise<V | undefined> {
    return (await this.#cache.get(key)) as V | undefined;
  }

  async getMany<V>(keys: string[]): Promise<(V | undefined)[]> {
    const found = await this.#cache.getMany(keys);
    return keys.map((key) => found.get(key) as V | undefined);
  }

  async set(key: string, value: unknown, ttlMs?: number): Promise<boolean> {
    if (value === undefined) return false;
    await this.#cache.set(key, value, ttlMs === undefined || ttlMs === 0 ? {} : { ttl: ttlMs });
    return true;
  }

  async setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<void> {
    await Promise.all(entries.map(({ key, value, ttl }) => this.set(key, value, ttl)));
  }

  has(key: string): Promise<boolean> {
    return this.#cache.has(key);
  }

  delete(key: string): Promise<boolean> {
    return this.#cache.delete(key);
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    const deleted = await Promise.all(keys.map((key) => this.#cache.delete(key)));
    return deleted.some(Boolean);
  }

  async clear(): Promise<void> {
    if (this.namespace === undefined) return this.#cache.clear();
    const keys: string[] = [];
    for await (const [key] of this.iterator(this.namespace)) keys.push(key);
    await this.deleteMany(keys);
  }

  async *iterator<V>(namespace?: string): AsyncGenerator<[string, V]> {
    const prefix = namespace === undefined ? "" : `${namespace}:`;
    for await (const { key, value } of this.#cache.dump()) {
      if (key.startsWith(prefix)) yield [key, value as V];
    }
  }

  /** Keyv's way to give a store back; the cache belongs to whoever opened it. */
  async disconnect(): Promise<void> {}

  /** There are no events: what fails rejects the call that failed. */
  on(): this {
    return this;
  }
}
