/**
 * BucketTable: the items of a multi-writer map, spread over buckets that each have a digest.
 *
 * Why buckets: two replicas that differ in a few keys find them by comparing 1,024 digests and then
 * the items of the buckets that differ, without any memory of what was sent before. Nothing is
 * concluded from what a peer did not mention outside those buckets, so a transfer may be cut off
 * anywhere (delta_crdt's loss of data came from shipping a part of the data with the whole causal
 * context).
 *
 * Invariants: a bucket's digest is the XOR of the fingerprints of its items, ripe tombstones not
 * counted; the root is the XOR of the buckets.
 */
import { BUCKETS } from "../../limits.js";
import { canonicalText, fingerprint, type Fingerprint } from "../fingerprint.js";

/** The latest write of a key as this replica knows it. */
export interface Item<V, S> {
  readonly key: string;
  readonly stamp: S;
  readonly deleted: boolean;
  readonly value: V | undefined;
  readonly hash: Fingerprint;
  /** Monotonic time of the deletion, as told by the age that travels with it. */
  readonly deletedAtMs: number;
  /** Since when this replica has the item, monotonic. */
  readonly heldSinceMs: number;
  /** A tombstone past its age: it still wins over older writes, but is no longer spread. */
  ripe: boolean;
}

export class BucketTable<V, S> {
  readonly #buckets: (Map<string, Item<V, S>> | undefined)[] = Array.from({ length: BUCKETS });
  /** The buckets that were ever used, in order: most maps are small. */
  #used: readonly Map<string, Item<V, S>>[] = [];
  readonly #high = new Uint32Array(BUCKETS);
  readonly #low = new Uint32Array(BUCKETS);
  readonly #tombstones = new Map<string, Item<V, S>>();
  #count = 0;
  #rootHigh = 0;
  #rootLow = 0;

  /** Keys that have a value. */
  get size(): number {
    return this.#count - this.#tombstones.size;
  }

  /** Not even a deletion is here. */
  get isBlank(): boolean {
    return this.#count === 0;
  }

  /** Deletions by key, the one longest here first. */
  get tombstones(): ReadonlyMap<string, Item<V, S>> {
    return this.#tombstones;
  }

  get root(): Fingerprint {
    return { high: this.#rootHigh >>> 0, low: this.#rootLow >>> 0 };
  }

  get(key: string): Item<V, S> | undefined {
    return this.#buckets[bucketOf(key)]?.get(key);
  }

  /** Puts the item in the place of the key's former one. */
  put(item: Item<V, S>): void {
    const index = bucketOf(item.key);
    const bucket = this.#buckets[index] ?? this.#begin(index);
    const before = bucket.get(item.key);
    if (before === undefined) this.#count += 1;
    else {
      if (!before.ripe) this.#toggle(index, before.hash);
      if (before.deleted) this.#tombstones.delete(item.key);
    }
    bucket.set(item.key, item);
    if (item.deleted) this.#tombstones.set(item.key, item);
    if (!item.ripe) this.#toggle(index, item.hash);
  }

  /** Takes a tombstone out of the digests. */
  ripen(item: Item<V, S>): void {
    if (item.ripe) return;
    item.ripe = true;
    this.#toggle(bucketOf(item.key), item.hash);
  }

  /** Forgets a tombstone. */
  remove(item: Item<V, S>): void {
    const index = bucketOf(item.key);
    if (this.#buckets[index]?.get(item.key) !== item) return;
    this.#buckets[index]?.delete(item.key);
    this.#tombstones.delete(item.key);
    this.#count -= 1;
    if (!item.ripe) this.#toggle(index, item.hash);
  }

  *live(): Generator<Item<V, S>> {
    for (const bucket of this.#used) {
      for (const item of bucket.values()) if (!item.deleted) yield item;
    }
  }

  /** The items of one bucket, ripe tombstones included. */
  bucket(index: number): ReadonlyMap<string, Item<V, S>> {
    return this.#buckets[index] ?? new Map();
  }

  digest(index: number): Fingerprint {
    return { high: this.#high[index] ?? 0, low: this.#low[index] ?? 0 };
  }

  #begin(index: number): Map<string, Item<V, S>> {
    const bucket = new Map<string, Item<V, S>>();
    this.#buckets[index] = bucket;
    this.#used = this.#buckets.filter((each) => each !== undefined);
    return bucket;
  }

  #toggle(index: number, hash: Fingerprint): void {
    this.#high[index] = (this.#high[index] ?? 0) ^ hash.high;
    this.#low[index] = (this.#low[index] ?? 0) ^ hash.low;
    this.#rootHigh ^= hash.high;
    this.#rootLow ^= hash.low;
  }
}

/** The bucket of a key: part of the wire format, equal on every node. */
export function bucketOf(key: string): number {
  return fingerprint(key).high % BUCKETS;
}

/** What identifies a write in the digests. */
export function hashOf(key: string, stamp: unknown, deleted: boolean, value: unknown): Fingerprint {
  const text = value === undefined ? "" : canonicalText(value);
  return fingerprint(`${key}\u0000${canonicalText(stamp)}\u0000${deleted ? "-" : "+"}${text}`);
}
