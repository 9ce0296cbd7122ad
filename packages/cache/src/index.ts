/**
 * @foundation/cache: caches of one process and of a whole cluster. Grouped, alphabetical; written by hand, because what
 * stands here is the public surface.
 */

// what every cache does
export type {
  Cache,
  CacheCallOptions,
  CacheEntry,
  CacheRecord,
  CacheStats,
  CacheTopology,
  EntryOptions,
  SetOptions,
} from "./cache.js";
export { cached } from "./cached.js";
export type { Cached, CachedOptions } from "./cached.js";

// errors and limits
export { cacheErrors } from "./errors.js";
export { CACHE_LIMITS, CACHE_TIMES } from "./limits.js";
export type { CacheLimits, CacheTimes } from "./limits.js";

// as storage of Keyv
export { keyvStore } from "./keyv/keyv-store.js";
export type { KeyvStore } from "./keyv/keyv-store.js";

// of one process
export { createLocalCache } from "./local/local-cache.js";
export type { CacheBounds, Eviction, LocalCacheOptions } from "./local/local-cache.js";
export type { Bytes } from "./local/parse-bytes.js";

// over the nodes of a cluster
export { createCaches } from "./runtime/caches.js";
export type { CacheOptions, Caches, CachesOptions, NearOptions } from "./runtime/caches.js";
export type { EpochStore } from "./runtime/epoch-follower.js";
export type { CachePorts, RingEpoch } from "./runtime/ports.js";
export type { Consistency } from "./runtime/world.js";
