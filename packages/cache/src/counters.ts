/** Counters: what one cache counts on one node. Fields, not calls: a hit must not cost a call. */
import type { CacheStats } from "./cache.js";

export class Counters {
  hits = 0;
  misses = 0;
  localHits = 0;
  writes = 0;
  deletions = 0;
  computations = 0;
  evictions = 0;
  expirations = 0;

  read(entries: number, sizeBytes: number): CacheStats {
    const { hits, misses, localHits, writes, deletions, computations } = this;
    const { evictions, expirations } = this;
    const counted = { hits, misses, localHits, writes, deletions, computations };
    return { ...counted, evictions, expirations, entries, sizeBytes };
  }
}
