/**
 * createCaches: the caches of one node by name, local and shared.
 *
 * One for a node: the same name gives the same cache. Options that other nodes must agree on are compared with theirs, and
 * a difference is logged, since each node would place keys by its own.
 */
import { coreErrors, parseDuration, resolveLimits, shown } from "@foundation/core";
import type { Duration } from "@foundation/core";
import type { Cache, CacheTopology } from "../cache.js";
import { invalid, lifetimeOf } from "../entry-times.js";
import { cacheErrors } from "../errors.js";
import { checkOpenOptions } from "../given.js";
import {
  BYTES_MAX,
  CACHE_LIMITS,
  CACHE_TIMES,
  COMPUTE_TIMEOUT_MS,
  ENTRIES_MAX,
  NEAR_TTL_MS,
  REPLICAS,
  REPLICAS_MAX,
  type CacheTimes,
} from "../limits.js";
import { openLocalCache, shelfOf, type CacheBounds, type Eviction } from "../local/local-cache.js";
import { parseBytes, type Bytes } from "../local/parse-bytes.js";
import { chanceShelf } from "../protocol/chance-shelf.js";
import { lruShelf } from "../protocol/shelf.js";
import type { EpochStore } from "./epoch-follower.js";
import { openShared, type SharedSpec } from "./open-shared.js";
import { resolvePorts, type CachePorts, type ResolvedCachePorts } from "./ports.js";
import { Roll } from "./roll.js";
import type { Consistency } from "./world.js";

/** Near copies: decoded values beside the callers of a node. */
export interface NearOptions {
  /** A copy is believed this long, if it could not be withdrawn before. @default "5s" */
  readonly ttl?: Duration | undefined;
  /** @default 100_000 */
  readonly maxEntries?: number | undefined;
  /** @default "64mb" */
  readonly maxBytes?: Bytes | undefined;
  /** Which copy goes first; `lru`: by marks, one that was used since it was last looked at is passed over. @default "lru" */
  readonly eviction?: Eviction | undefined;
}

export interface CacheOptions extends CacheBounds {
  /**
   * Of a `local` cache, which entry goes first; of near copies, say it in `near`. What nodes keep for each other is
   * given up by least recent use. @default "lru"
   */
  readonly eviction?: Eviction | undefined;
  /** Where the entries are: in this process, on every node, or on some for each key. @default "partitioned" */
  readonly topology?: CacheTopology | undefined;
  /** Nodes that keep a copy of each entry, 1 to 7; `partitioned` only. @default 2 */
  readonly replicas?: number | undefined;
  /** Keep decoded copies of what other nodes gave. Not with `quorum`. @default false */
  readonly near?: boolean | NearOptions | undefined;
  /** What a read may be behind; the guide has a table. `quorum`: `partitioned` only. @default "eventual" */
  readonly consistency?: Consistency | undefined;
  /** How long one caller may compute before another may, too. @default "30s" */
  readonly computeTimeout?: Duration | undefined;
  readonly times?: Partial<CacheTimes> | undefined;
}

export interface CachesOptions extends CachePorts {
  /** Where the committed lists of a cache's nodes are kept; needed for `consistency: "quorum"`. */
  readonly epochs?: ((name: string) => EpochStore) | undefined;
}

/** The caches of a node. */
export interface Caches extends AsyncDisposable {
  /**
   * The cache of that name; opens it when it is not open.
   * @throws {ERR_INVALID_ARGUMENT} @throws {ERR_CACHE_OPTIONS} options that exclude each other, or differ from those it
   *   was opened with here. @throws {ERR_CLOSED}
   */
  open<V>(name: string, options?: CacheOptions): Cache<V>;
  /** Closes every cache. Idempotent. */
  close(): Promise<void>;
}

/**
 * The caches of this node.
 *
 * @example
 * ```ts
 * import { createCaches, type CachePorts } from "@foundation/cache"
 *
 * export async function example(ports: CachePorts, load: (id: string) => Promise<{ name: string }>) {
 *   await using caches = createCaches(ports)
 *   const users = caches.open<{ name: string }>("users", { replicas: 2, ttl: "5m", near: true })
 *   return users.getOrCompute("ann", () => load("ann")) // one computation in the whole cluster
 * }
 * ```
 */
export function createCaches(options: CachesOptions): Caches {
  return new NodeCaches(resolvePorts(options));
}

interface Opened {
  readonly cache: Cache<unknown>;
  readonly terms: string;
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9._:-]{0,127}$/;

class NodeCaches implements Caches {
  readonly #options: CachesOptions & ResolvedCachePorts;
  readonly #opened = new Map<string, Opened>();
  #roll: Roll | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: CachesOptions & ResolvedCachePorts) {
    this.#options = options;
  }

  open<V>(name: string, options: CacheOptions = {}): Cache<V> {
    if (this.#closing !== undefined) {
      throw coreErrors.ERR_CLOSED("The caches of this node are closed", { what: "caches" });
    }
    if (typeof name !== "string" || !NAME.test(name)) {
      throw invalid("name", "1 to 128 letters, digits and . _ : -", shown(name));
    }
    checkOpenOptions(name, options);
    const terms = termsOf(options);
    const opened = this.#opened.get(name);
    if (opened === undefined) return this.#open<V>(name, options, terms);
    if (opened.terms !== terms) {
      throw refused(name, "options", `it is open on this node with ${opened.terms}, now ${terms}`);
    }
    return opened.cache as Cache<V>;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#opened.values()].map(({ cache }) => cache.close()));
    await this.#roll?.closeAll();
  }

  #open<V>(name: string, options: CacheOptions, terms: string): Cache<V> {
    if (options.topology === "local") {
      const { runtime } = this.#options;
      const onClosed = () => this.#opened.delete(name);
      const cache = openLocalCache<V>({ ...options, name, runtime }, onClosed);
      this.#opened.set(name, { cache: cache as Cache<unknown>, terms });
      return cache;
    }
    const spec = specOf(name, options);
    const epochs = spec.consistency === "quorum" ? this.#options.epochs?.(name) : undefined;
    if (spec.consistency === "quorum" && epochs === undefined) {
      throw refused(
        name,
        "consistency",
        "a quorum needs lists of nodes that consensus committed, and none are at hand",
      );
    }
    this.#roll ??= new Roll(this.#options);
    const roll = this.#roll;
    roll.open(name, terms);
    const other = roll.otherTerms(name, terms);
    if (other !== undefined) {
      const { logger } = this.#options.runtime;
      logger.warn("A cache is open with other options on another node", {
        cache: name,
        terms,
        other,
      });
    }
    const onClosed = () => this.#opened.delete(name);
    const cache = openShared<V>(spec, this.#options, roll, epochs, onClosed);
    this.#opened.set(name, { cache: cache as Cache<unknown>, terms });
    return cache;
  }
}

/** What all nodes must say alike. */
function termsOf({ topology, replicas, consistency }: CacheOptions): string {
  const kind = topology ?? "partitioned";
  return `${kind}, replicas ${replicas ?? REPLICAS}, ${consistency ?? "eventual"}`;
}

function specOf(name: string, options: CacheOptions): SharedSpec {
  const { consistency = "eventual", near = false } = options;
  const topology = topologyOf(options.topology);
  const replicas = topology === "replicated" ? REPLICATED : replicasOf(options.replicas);
  if (consistency !== "eventual" && consistency !== "quorum") {
    throw invalid("consistency", '"eventual" or "quorum"', shown(consistency));
  }
  if (consistency === "quorum") checkQuorum(name, options, replicas);
  if (options.eviction === "lfu") {
    const why =
      "a new entry may be given up at once, and this one others rely on; say it in `near`";
    throw refused(
      name,
      "eviction",
      `what nodes keep for each other is not given up by frequency: ${why}`,
    );
  }
  const bounds = boundsOf(options);
  const { computeTimeout = COMPUTE_TIMEOUT_MS } = options;
  return {
    ...{ name, topology, replicas, consistency },
    ...bounds,
    lifetime: lifetimeOf(options, { ttlMs: Infinity, staleForMs: 0 }),
    near: near === false ? undefined : nearOf(near === true ? {} : near),
    computeMs: parseDuration(computeTimeout, "computeTimeout"),
    limits: resolveLimits(CACHE_LIMITS, options.limits),
    times: resolveLimits(CACHE_TIMES, options.times),
  };
}

/** More than there are members: every member. */
const REPLICATED = Number.MAX_SAFE_INTEGER;

function topologyOf(topology: CacheTopology = "partitioned"): "replicated" | "partitioned" {
  if (topology === "replicated" || topology === "partitioned") return topology;
  throw invalid("topology", '"local", "replicated" or "partitioned"', shown(topology));
}

function replicasOf(replicas: number = REPLICAS): number {
  if (Number.isInteger(replicas) && replicas >= 1 && replicas <= REPLICAS_MAX) return replicas;
  throw invalid("replicas", `an integer from 1 to ${REPLICAS_MAX}`, shown(replicas));
}

function checkQuorum(name: string, { near, topology }: CacheOptions, replicas: number): void {
  if (topology === "replicated") {
    throw refused(name, "topology", 'a quorum of every node is no use: take "partitioned"');
  }
  if (near !== undefined && near !== false) {
    throw refused(
      name,
      "near",
      'a near copy may be behind, which "quorum" excludes: leave one of them out',
    );
  }
  if (replicas < 2) {
    throw refused(
      name,
      "replicas",
      "one owner is no quorum: take 2, or 3 to bear a loss without a pause",
    );
  }
}

function boundsOf({ maxEntries, maxBytes }: CacheBounds) {
  const { maxEntries: entriesMax } = resolveLimits({ maxEntries: ENTRIES_MAX }, { maxEntries });
  return { entriesMax, bytesMax: maxBytes === undefined ? BYTES_MAX : parseBytes(maxBytes) };
}

function nearOf({ ttl, eviction, ...bounds }: NearOptions): NonNullable<SharedSpec["near"]> {
  const ttlMs = parseDuration(ttl ?? NEAR_TTL_MS, "near.ttl");
  const shelf = shelfOf(eviction);
  return { ...boundsOf(bounds), ttlMs, shelf: shelf === lruShelf ? chanceShelf : shelf };
}

function refused(cache: string, option: string, why: string): Error {
  return cacheErrors.ERR_CACHE_OPTIONS(
    `The cache "${cache}" cannot be opened with these options (${option}): ${why}`,
    { cache, option },
  );
}
