/**
 * DumpRecords: all entries of a shared cache, bucket by bucket, as records that another cache can load.
 *
 * Each bucket is read page by page at its primary as that is at the moment, so that a dump goes on while nodes come and go.
 *
 * Invariants: each bucket is read once; an entry that is there from the beginning to the end is in the dump, one that is
 * written meanwhile may be. Limit: `DUMP_AHEAD` buckets are asked for and held at one time, whoever reads slowly.
 */
import type { CacheRecord } from "../cache.js";
import { BUCKETS } from "../limits.js";
import type { Item } from "../protocol/item.js";
import { parsePage } from "./bucket-page.js";
import type { Patience } from "./patience.js";
import { malformed, unavailable, type World } from "./world.js";

/** Buckets a dump asks for at one time. */
const DUMP_AHEAD = 16;

/** `begin`: what each step may take, or the refusal where the cache was closed meanwhile. */
export async function* dumpRecords<V>(
  world: World,
  begin: () => Promise<Patience>,
): AsyncIterable<CacheRecord<V>> {
  for (let from = 0; from < BUCKETS; from += DUMP_AHEAD) {
    const patience = await begin();
    const buckets = Array.from({ length: DUMP_AHEAD }, (_, index) => from + index);
    const dumped = buckets.map((bucket) => dumpBucket<V>(world, bucket, patience));
    for (const records of await Promise.all(dumped)) yield* records;
  }
}

async function dumpBucket<V>(
  world: World,
  bucket: number,
  patience: Patience,
): Promise<readonly CacheRecord<V>[]> {
  const records: CacheRecord<V>[] = [];
  let after: string | null = "";
  for (let pages = 0; after !== null; pages++) {
    const from: string = after;
    const reply = await patience.insist(async (leftMs, signal) => {
      const ring = world.ring();
      const primary = ring?.primary(bucket);
      if (ring === undefined || primary === undefined) {
        throw unavailable(world.name, "nobody keeps the bucket");
      }
      const payload = [patience.viewOf(ring), bucket, from];
      return world.ask(primary, "dump", payload, leftMs, signal);
    });
    const page = parsePage(reply, bucket, from);
    if (page === undefined || pages === world.limits.bucketPagesMax) {
      throw malformed(world.name, "dump");
    }
    for (const item of page.items) {
      if (item.bytes !== undefined) {
        records.push(recordOf(item, world.codec.decode(item.bytes) as V));
      }
    }
    after = page.next;
  }
  return records;
}

function recordOf<V>({ key, freshForMs, staleForMs, tags }: Item, value: V): CacheRecord<V> {
  const staleLeftMs = freshForMs < 0 ? staleForMs + freshForMs : staleForMs;
  return {
    key,
    value,
    ...(freshForMs !== Infinity && { ttlMs: Math.max(1, freshForMs) }),
    ...(staleLeftMs > 0 && { staleForMs: staleLeftMs }),
    ...(tags.length > 0 && { tags }),
  };
}
