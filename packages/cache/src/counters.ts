/** Counters: what one cache counts on one node. Fields, not calls: a hit must not cost a call. */
import type { CacheStats } from "./cache.js";

export class Counters {
  /** Answered by another node. */
  remoteHits = 0;
  misses = 0;
  localHits = 0;
  writes = 0;
  deletions = 0;
  computations = 0;
  evictions = 0;
  expirations = 0;

  read(entries: number, sizeBytes: number): CacheStats {
    const { remoteHits, misses, localHits, writes, deletions, computations } = this;
    const hits = remoteHits + localHits;
    const { evictions, expirations } = this;
    const counted = { hits, misses, localHits, writes, deletions, computations };
    return { ...counted, evictions, expirations, entries, sizeBytes };
  }
}
