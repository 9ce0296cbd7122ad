/**
 * Replica: what one node keeps of a shared cache, bucket by bucket.
 *
 * A cache may forget, but must not remember wrongly: an entry that was deleted, evicted or has expired here must not come
 * back from a node that missed it. What was deleted or expired leaves a tombstone while there are few; what is not
 * remembered one by one is covered by the bucket's floor, a version: whatever is not here and not above it was given up here. So memory stays
 * bounded, at the price that a floor may refuse an older entry this node never had, which a cache is free to lose.
 *
 * Invariants: an entry is only ever replaced by a newer one; a key that is absent here has no version above the floor that
 * this node ever held; `top` is at least every version of the bucket.
 */
import { BUCKETS } from "../limits.js";
import { invariant } from "./invariant.js";
import type { Item } from "./item.js";
import { bucketOf, fingerprintOf } from "./key-hash.js";
import { Table, type Departure, type TableEntry } from "./table.js";
import { compareVersions, newerOf, NO_VERSION, type Version } from "./version.js";

export interface Held extends TableEntry {
  readonly bucket: number;
  readonly version: Version;
  readonly bytes: Uint8Array;
  readonly freshUntilMs: number;
}

export interface ReplicaOptions {
  readonly entriesMax: number;
  readonly bytesMax: number;
  readonly tombstonesMax: number;
  /** Called for each entry that is replaced or goes, e.g. to withdraw what was decoded of it. */
  readonly onGone?: ((key: string, why: Departure) => void) | undefined;
}

/** A page of a bucket. */
export interface Page {
  readonly items: readonly Item[];
  /** The key to go on after; undefined: that was all. */
  readonly next: string | undefined;
}

interface Tombstone {
  readonly bucket: number;
  readonly version: Version;
  /** Others see for themselves that its time is over. */
  readonly isExpired: boolean;
}

interface Bucket {
  readonly keys: Set<string>;
  /** Keys of its tombstones. */
  readonly buried: Set<string>;
  top: Version;
  floor: Version;
  /**
   * Of the deletions that are not remembered one by one, the newest. Not above the floor, which evictions raise, too: those
   * are each node's own business, and a deletion is everybody's.
   */
  deleted: Version;
}

export class Replica {
  readonly #table: Table<Held>;
  readonly #tombstones = new Map<string, Tombstone>();
  readonly #buckets: (Bucket | undefined)[] = Array.from({ length: BUCKETS });
  readonly #tombstonesMax: number;

  constructor({ entriesMax, bytesMax, tombstonesMax, onGone }: ReplicaOptions) {
    this.#tombstonesMax = tombstonesMax;
    this.#table = new Table<Held>({
      entriesMax,
      bytesMax,
      onGone: (held, why) => {
        this.#onGone(held, why);
        onGone?.(held.key, why);
      },
    });
  }

  get size(): number {
    return this.#table.size;
  }

  get sizeBytes(): number {
    return this.#table.sizeBytes;
  }

  isTooLarge(key: string, sizeBytes: number): boolean {
    return this.#table.isTooLarge({ key, sizeBytes, expiresAtMs: 0, tags: [] });
  }

  /** The entry, stale or not; undefined when there is none or it has expired. */
  get(key: string, nowMs: number): Held | undefined {
    return this.#table.get(key, nowMs);
  }

  /** What is known of a key, deleted or not; undefined: at most its bucket's floor is known. */
  item(key: string, nowMs: number): Item | undefined {
    const held = this.#table.peek(key);
    if (held !== undefined) return itemOf(held, nowMs);
    const tombstone = this.#tombstones.get(key);
    return tombstone && deleted(key, tombstone.version);
  }

  /** Takes an item if nothing newer is known; false: something newer is, or the floor refuses it. */
  apply(item: Item, nowMs: number): boolean {
    const bucket = bucketOf(item.key);
    const state = this.#bucket(bucket);
    if (compareVersions(item.version, this.#known(item.key, state)) <= 0) return false;
    state.top = newerOf(state.top, item.version);
    this.#unbury(item.key);
    const freshUntilMs = nowMs + item.freshForMs;
    const expiresAtMs = freshUntilMs + item.staleForMs;
    if (item.bytes === undefined || expiresAtMs <= nowMs) {
      this.#table.remove(item.key);
      this.#bury(item.key, { bucket, version: item.version, isExpired: item.bytes !== undefined });
      return true;
    }
    const { key, version, bytes, tags } = item;
    const sizeBytes = bytes.length;
    const held = { key, bucket, version, bytes, freshUntilMs, expiresAtMs, tags, sizeBytes };
    if (this.#table.isTooLarge(held)) {
      this.#table.remove(key);
      state.floor = newerOf(state.floor, version);
      return true;
    }
    state.keys.add(key);
    this.#table.set(held);
    // The table takes the old entry of the key out when the new one is in.
    state.keys.add(key);
    return true;
  }

  /** At least every version that was seen in the bucket. */
  top(bucket: number): Version {
    return this.#buckets[bucket]?.top ?? NO_VERSION;
  }

  floor(bucket: number): Version {
    return this.#buckets[bucket]?.floor ?? NO_VERSION;
  }

  /** Notes that a version was given in the bucket: those given here later are above it. */
  see(bucket: number, version: Version): void {
    const state = this.#bucket(bucket);
    state.top = newerOf(state.top, version);
  }

  /** Takes over what another node has forgotten: what it refuses, this node refuses. */
  raise(bucket: number, floor: Version): void {
    const state = this.#bucket(bucket);
    state.floor = newerOf(state.floor, floor);
    state.top = newerOf(state.top, floor);
    // A tombstone below it would let in what lies between the two.
    for (const key of [...state.buried]) {
      const tombstone = this.#tombstones.get(key);
      if (tombstone && compareVersions(tombstone.version, floor) <= 0) this.#unbury(key);
    }
  }

  /** Of deletions in the bucket that are not remembered one by one, the newest. */
  deleted(bucket: number): Version {
    return this.#buckets[bucket]?.deleted ?? NO_VERSION;
  }

  /**
   * Forgets the entries of a bucket that are not among `others` and not above the version `deleted` of another node that
   * has all of `others`: it may have deleted them, and no longer knows.
   */
  giveUp(bucket: number, others: { has(key: string): boolean }, deleted: Version): void {
    for (const key of [...this.#bucket(bucket).keys]) {
      const held = this.#table.peek(key);
      invariant(held !== undefined, "a bucket names only entries that are there");
      if (!others.has(key) && compareVersions(held.version, deleted) <= 0) this.#table.remove(key);
    }
    const state = this.#bucket(bucket);
    state.deleted = newerOf(state.deleted, deleted);
    this.raise(bucket, deleted);
  }

  /** How many live entries the bucket has and the fingerprint of them; what has expired goes. */
  digest(bucket: number, nowMs: number): { readonly count: number; readonly fingerprint: number } {
    let count = 0;
    let fingerprint = 0;
    for (const key of [...(this.#buckets[bucket]?.keys ?? [])]) {
      const held = this.#table.peek(key);
      invariant(held !== undefined, "a bucket names only entries that are there");
      if (held.expiresAtMs <= nowMs) this.#table.expire(key);
      else {
        count += 1;
        fingerprint ^= fingerprintOf(key, held.version);
      }
    }
    return { count, fingerprint: fingerprint >>> 0 };
  }

  /** True when nothing was ever held of the bucket, or nothing of it is remembered. */
  isBlank(bucket: number): boolean {
    const state = this.#buckets[bucket];
    if (state === undefined) return true;
    return state.keys.size === 0 && state.buried.size === 0 && state.floor === NO_VERSION;
  }

  /** Items of a bucket in the order of their keys, deletions too; at least one a page. */
  page(bucket: number, after: string, bytesMax: number, nowMs: number): Page {
    const keys = [...(this.#buckets[bucket]?.keys ?? [])];
    keys.push(...(this.#buckets[bucket]?.buried ?? []));
    const rest = keys.filter((key) => key > after).sort();
    const items: Item[] = [];
    let sizeBytes = 0;
    for (const key of rest) {
      if (sizeBytes >= bytesMax) return { items, next: items.at(-1)?.key };
      const item = this.item(key, nowMs);
      if (item === undefined) continue;
      items.push(item);
      sizeBytes += key.length + (item.bytes?.length ?? 0) + 32;
    }
    return { items, next: undefined };
  }

  tagged(tag: string): readonly string[] {
    return this.#table.tagged(tag);
  }

  /** Keys of the bucket's entries, expired or not. */
  keys(bucket: number): readonly string[] {
    return [...(this.#buckets[bucket]?.keys ?? [])];
  }

  /** Forgets what is of epochs before this one. */
  dropBelow(bucket: number, epoch: number): void {
    for (const key of this.keys(bucket)) {
      const held = this.#table.peek(key);
      if (held !== undefined && held.version.epoch < epoch) this.#table.remove(key);
    }
    for (const key of [...this.#bucket(bucket).buried]) {
      const tombstone = this.#tombstones.get(key);
      if (tombstone !== undefined && tombstone.version.epoch < epoch) this.#unbury(key);
    }
  }

  /** Forgets the bucket altogether: this node no longer answers for it. */
  drop(bucket: number): void {
    for (const key of this.keys(bucket)) this.#table.remove(key);
    for (const key of [...(this.#buckets[bucket]?.buried ?? [])]) this.#unbury(key);
    this.#buckets[bucket] = undefined;
  }

  /** The newest version that this node may have held of a key. */
  #known(key: string, state: Bucket): Version {
    return this.#table.peek(key)?.version ?? this.#tombstones.get(key)?.version ?? state.floor;
  }

  #bury(key: string, fresh: Tombstone): void {
    this.#tombstones.set(key, fresh);
    this.#bucket(fresh.bucket).buried.add(key);
    if (this.#tombstones.size <= this.#tombstonesMax) return;
    for (const [oldest, tombstone] of this.#tombstones) {
      this.#unbury(oldest);
      const state = this.#bucket(tombstone.bucket);
      state.floor = newerOf(state.floor, tombstone.version);
      if (!tombstone.isExpired) state.deleted = newerOf(state.deleted, tombstone.version);
      return;
    }
  }

  #unbury(key: string): void {
    const tombstone = this.#tombstones.get(key);
    if (tombstone === undefined) return;
    this.#tombstones.delete(key);
    this.#buckets[tombstone.bucket]?.buried.delete(key);
  }

  #onGone({ key, bucket, version }: Held, why: Departure): void {
    const state = this.#bucket(bucket);
    state.keys.delete(key);
    if (why === "expired") this.#bury(key, { bucket, version, isExpired: true });
    if (why === "evicted") state.floor = newerOf(state.floor, version);
  }

  #bucket(bucket: number): Bucket {
    return (this.#buckets[bucket] ??= {
      keys: new Set(),
      buried: new Set(),
      top: NO_VERSION,
      floor: NO_VERSION,
      deleted: NO_VERSION,
    });
  }
}

/** An entry as it goes to another node at this moment; one that has expired goes as a deletion. */
export function itemOf(held: Held, nowMs: number): Item {
  const { key, version, bytes, freshUntilMs, expiresAtMs, tags } = held;
  if (expiresAtMs <= nowMs) return deleted(key, version);
  const freshForMs = freshUntilMs - nowMs;
  const staleForMs = expiresAtMs === Infinity ? 0 : expiresAtMs - freshUntilMs;
  return { key, version, bytes, freshForMs, staleForMs, tags };
}

export function deleted(key: string, version: Version): Item {
  return { key, version, bytes: undefined, freshForMs: Infinity, staleForMs: 0, tags: [] };
}
