/**
 * Cache: what every kind of cache does, whatever keeps its entries. One interface, so that an application changes the
 * topology in one word, and one contract suite that all kinds pass.
 *
 * Invariants: `undefined` is never a value, it means "not there"; a computation that began before a write or a
 * deletion of its key can never put its result in the place of the newer one.
 */
import type { Duration } from "@foundation/core";

/** Where the entries are. */
export type CacheTopology = "local" | "replicated" | "partitioned";

export interface CacheCallOptions {
  readonly signal?: AbortSignal | undefined;
  /** @default "5s", for `getOrCompute` "30s" */
  readonly timeout?: Duration | undefined;
}

/** How long an entry lives, and under which tags. */
export interface EntryOptions {
  /** Until the entry expires. @default the cache's `ttl` */
  readonly ttl?: Duration | undefined;
  /** After `ttl`, `getOrCompute` gives the old value this much longer while one caller computes anew. @default 0 */
  readonly staleFor?: Duration | undefined;
  /** For `invalidateTag`. */
  readonly tags?: readonly string[] | undefined;
}

export interface SetOptions extends CacheCallOptions, EntryOptions {}

/** An entry with what is known about it. */
export interface CacheEntry<V> {
  readonly key: string;
  readonly value: V;
  /** Differs for every write of the key, and grows as text of the same cache does not: compare for equality only. */
  readonly version: string;
  /** Milliseconds until it is stale; undefined: never. Negative when it is. */
  readonly freshForMs: number | undefined;
  /** Milliseconds until it is gone; undefined: never. */
  readonly expiresInMs: number | undefined;
  readonly tags: readonly string[];
  /** Encoded; 0 where nothing is encoded: in a local cache without `maxBytes`. */
  readonly sizeBytes: number;
}

/** One entry of a dump: plain data. */
export interface CacheRecord<V> {
  readonly key: string;
  readonly value: V;
  /** Milliseconds it has left; absent: no end. */
  readonly ttlMs?: number;
  /** Of them, how many it is stale for. */
  readonly staleForMs?: number;
  readonly tags?: readonly string[];
}

/** Counts of this node since the cache was opened. */
export interface CacheStats {
  readonly hits: number;
  readonly misses: number;
  /** Of the hits, those answered without another node. */
  readonly localHits: number;
  readonly writes: number;
  readonly deletions: number;
  /** Computations that this node ran. */
  readonly computations: number;
  /** Entries given up for a limit. */
  readonly evictions: number;
  readonly expirations: number;
  /** Entries on this node: its own, copies for others, near ones. */
  readonly entries: number;
  readonly sizeBytes: number;
}

/** A cache as one node uses it. Values of shared caches are plain data and arrive as copies. */
export interface Cache<V> extends AsyncDisposable {
  readonly name: string;
  readonly topology: CacheTopology;
  /**
   * The value, or undefined.
   * @throws {ERR_CACHE_UNAVAILABLE} @throws {ERR_TIMEOUT} @throws {ERR_ABORTED} @throws {ERR_CLOSED}
   */
  get(key: string, options?: CacheCallOptions): Promise<V | undefined>;
  /**
   * The value if this node has it at hand: local, near, or as its own copy. Waits for nothing, for hot paths; undefined
   * says nothing about other nodes. A near value is shared by all who ask on this node: do not change it.
   */
  getNow(key: string): V | undefined;
  /** The values that are there; keys without one are absent. @throws as `get` */
  getMany(keys: Iterable<string>, options?: CacheCallOptions): Promise<Map<string, V>>;
  /** The entry with its version and times, never a near copy. @throws as `get` */
  entry(key: string, options?: CacheCallOptions): Promise<CacheEntry<V> | undefined>;
  has(key: string, options?: CacheCallOptions): Promise<boolean>;
  /**
   * Writes a value.
   * @throws {ERR_NOT_ENCODABLE} @throws {ERR_CACHE_ENTRY_TOO_LARGE} @throws {ERR_INVALID_ARGUMENT}
   * @throws {ERR_OUTCOME_UNKNOWN} it may have been written. @throws as `get`
   */
  set(key: string, value: V, options?: SetOptions): Promise<void>;
  /** Writes several, each on its own: one that fails does not undo the others. @throws as `set` */
  setMany(entries: Iterable<readonly [string, V]>, options?: SetOptions): Promise<void>;
  /** False when there was none. @throws as `set` */
  delete(key: string, options?: CacheCallOptions): Promise<boolean>;
  /** Lets the entry live for `ttl` (default: the cache's) from now on; false when there is none. @throws as `set` */
  touch(key: string, ttl?: Duration, options?: CacheCallOptions): Promise<boolean>;
  /**
   * The value; where there is none, what `compute` gives, which is kept. In the whole cluster one computation of a key
   * runs at a time; the others wait for it. When it throws, all who wait are told, and the next call begins anew.
   * Where the nodes that keep the key cannot be reached, this node computes for itself and nothing is kept.
   *
   * @throws whatever `compute` throws; on other nodes as a FoundationError. @throws {ERR_TIMEOUT} @throws {ERR_ABORTED}
   */
  getOrCompute(
    key: string,
    compute: (context: { readonly key: string; readonly signal: AbortSignal }) => V | Promise<V>,
    options?: SetOptions,
  ): Promise<V>;
  /**
   * Replaces the value by what `change` makes of it, as one step: nobody writes in between. `change` runs again when
   * somebody did; `undefined` deletes. Gives the new value.
   * @throws {ERR_CACHE_CONFLICT} others were quicker each time. Whatever `change` throws. @throws as `set`
   */
  update(
    key: string,
    change: (current: V | undefined) => V | undefined,
    options?: SetOptions,
  ): Promise<V | undefined>;
  /** Deletes every entry with the tag, on all nodes; gives how many. Safe to repeat. @throws as `set` */
  invalidateTag(tag: string, options?: CacheCallOptions): Promise<number>;
  /** Deletes everything, on all nodes. Safe to repeat. @throws as `set` */
  clear(options?: CacheCallOptions): Promise<void>;
  /** Every entry of the cache, on whichever node; what changes meanwhile may or may not be in it. @throws as `get` */
  dump(options?: CacheCallOptions): AsyncIterable<CacheRecord<V>>;
  /** Writes the records of a dump; gives how many. @throws as `set` */
  load(
    records: Iterable<CacheRecord<V>> | AsyncIterable<CacheRecord<V>>,
    options?: CacheCallOptions,
  ): Promise<number>;
  stats(): CacheStats;
  /** Gives this node's part to the others and ends. Idempotent. */
  close(): Promise<void>;
}
