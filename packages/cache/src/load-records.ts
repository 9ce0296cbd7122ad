/** loadRecords: what `Cache.load` does, whatever the kind of the cache: one `set` after the other. */
import type { Cache, CacheCallOptions, CacheRecord } from "./cache.js";
import { checkRecord } from "./given.js";

/** How many were set. */
export async function loadRecords<V>(
  cache: Pick<Cache<V>, "set">,
  records: Iterable<CacheRecord<V>> | AsyncIterable<CacheRecord<V>>,
  options: CacheCallOptions,
): Promise<number> {
  let count = 0;
  for await (const record of records) {
    checkRecord(record);
    const { key, value, ttlMs, staleForMs, tags } = record;
    await cache.set(key, value, { ...options, ttl: ttlMs, staleFor: staleForMs, tags });
    count += 1;
  }
  return count;
}
