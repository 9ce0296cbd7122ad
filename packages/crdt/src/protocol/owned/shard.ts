/**
 * Shard: everything one (node, boot) says, as a log in last-write order with one live place a key.
 *
 * The owner numbers its writes 1, 2, 3, …; a key holds only its latest write, so the log has holes.
 * A deletion is a write without a value. A replica of the shard at `sequence` s equals the owner's
 * shard as it was at some moment, restricted to the writes up to s, which is why any prefix of a
 * transfer is a correct, merely older, state.
 *
 * Invariants: the log is sorted by sequence; every key's latest write is in the log once; deletions
 * with a sequence at or below `floor` may be missing, all others above it are here; `sequence`
 * never goes back.
 */
import type { Boot, NodeId } from "@foundation/core";
import { utf8Size, plainSize } from "../plain-size.js";
import { invariant } from "../invariant.js";
import type { Delta, WireEntry } from "./messages.js";

/** One write. A replaced entry stays in the log until the log is tidied, marked `stale`. */
export interface Entry<V> {
  readonly owner: NodeId;
  readonly boot: Boot;
  readonly key: string;
  readonly sequence: number;
  readonly deleted: boolean;
  readonly value: V | undefined;
  stale: boolean;
}

/** What others are told of a value that is kept. */
export type Tell<V> = (key: string, kept: V) => unknown;

/** Where a replica of a shard stands: what decides whether a delta fits. */
export interface Position {
  readonly sequence: number;
  readonly floor: number;
}

/** An entry before and after one write, for notifications. */
export interface Replacement<V> {
  readonly before: Entry<V> | undefined;
  readonly after: Entry<V>;
}

/**
 * Whether a delta may be merged into a replica at this position. It must begin at or before the
 * position, and no deletion the replica needs may have been compacted away: either the replica has
 * seen everything up to the delta's floor, or it began (empty) when the floor was that high already.
 */
export function fits(
  at: Position,
  delta: { readonly from: number; readonly floor: number },
): boolean {
  if (delta.from > at.sequence) return false;
  return at.sequence === 0 || delta.floor <= at.sequence || delta.floor <= at.floor;
}

export class Shard<V> {
  readonly owner: NodeId;
  readonly boot: Boot;
  #sequence = 0;
  #floor = 0;
  #log: Entry<V>[] = [];
  #staleCount = 0;
  #tombstones = 0;
  readonly #latest = new Map<string, Entry<V>>();

  /** Empty, behind `ended` writes of an earlier shard of the same owner and boot. */
  constructor(owner: NodeId, boot: Boot, ended = 0) {
    this.owner = owner;
    this.boot = boot;
    this.#sequence = ended;
    this.#floor = ended;
  }

  get sequence(): number {
    return this.#sequence;
  }

  get floor(): number {
    return this.#floor;
  }

  /** Keys that have a value. */
  get size(): number {
    return this.#latest.size - this.#tombstones;
  }

  get tombstones(): number {
    return this.#tombstones;
  }

  /** The latest write of a key, a deletion included. */
  latest(key: string): Entry<V> | undefined {
    return this.#latest.get(key);
  }

  /** Entries that have a value, in last-write order. */
  *live(): Generator<Entry<V>> {
    for (const entry of this.#log) if (!entry.stale && !entry.deleted) yield entry;
  }

  /** The owner's next write. */
  write(key: string, value: V | undefined, deleted: boolean): Replacement<V> {
    this.#sequence += 1;
    return this.#put(key, this.#sequence, value, deleted);
  }

  /** The owner's last write: everything goes, as one step that any replica takes whole. */
  clear(): void {
    this.#sequence += 1;
    this.#floor = this.#sequence;
    this.#log = [];
    this.#staleCount = 0;
    this.#tombstones = 0;
    this.#latest.clear();
  }

  /** Merges a delta that fits; writes the replica has are skipped. Returns what changed. */
  merge(delta: Delta<V>): Replacement<V>[] {
    invariant(fits(this, delta), "a delta is merged only where it fits");
    if (this.#sequence === 0) this.#floor = delta.floor;
    const replaced: Replacement<V>[] = [];
    for (const [key, sequence, ...value] of delta.entries) {
      if (sequence <= this.#sequence) continue;
      replaced.push(this.#put(key, sequence, value[0], value.length === 0));
    }
    this.#sequence = Math.max(this.#sequence, delta.to);
    if (delta.floor > this.#floor && delta.floor <= this.#sequence) this.compact(delta.floor);
    return replaced;
  }

  /** Forgets deletions up to `floor`. */
  compact(floor: number): void {
    invariant(floor <= this.#sequence, "the floor is at most the sequence");
    this.#floor = Math.max(this.#floor, floor);
    for (const entry of this.#log) {
      if (entry.sequence > floor) break;
      if (entry.stale || !entry.deleted) continue;
      entry.stale = true;
      this.#staleCount += 1;
      this.#tombstones -= 1;
      this.#latest.delete(entry.key);
    }
    this.#tidy();
  }

  /** The sequence below which the older half of the deletions lies. */
  halfOfTombstones(): number {
    let left = Math.ceil(this.#tombstones / 2);
    for (const entry of this.#log) {
      if (entry.stale || !entry.deleted) continue;
      left -= 1;
      if (left === 0) return entry.sequence;
    }
    return this.#floor;
  }

  /**
   * The next part of this shard for a replica at `have`: at most `entriesMax` entries and about
   * `bytesAim` bytes, at least one entry. Below the floor it begins at zero: the whole shard again.
   * `tell` gives what others are told of a value.
   */
  since(
    have: Position,
    limits: { deltaEntriesMax: number; deltaBytesAim: number },
    tell: Tell<V> = asKept,
  ): Delta<unknown> {
    const known = have.sequence >= this.#floor || have.floor >= this.#floor;
    const from = known ? Math.min(have.sequence, this.#sequence) : 0;
    const entries: WireEntry<unknown>[] = [];
    let sizeBytes = 0;
    let index = this.#firstAfter(from);
    for (; index < this.#log.length; index += 1) {
      const entry = this.#log[index] as Entry<V>;
      if (entry.stale) continue;
      if (entries.length >= limits.deltaEntriesMax || sizeBytes >= limits.deltaBytesAim) break;
      sizeBytes += utf8Size(entry.key) + 16;
      if (entry.deleted) entries.push([entry.key, entry.sequence]);
      else {
        const told = tell(entry.key, entry.value as V);
        sizeBytes += plainSize(told);
        entries.push([entry.key, entry.sequence, told]);
      }
    }
    const last = entries.at(-1);
    const to = index >= this.#log.length || last === undefined ? this.#sequence : last[1];
    const { owner, boot } = this;
    return {
      type: "delta",
      owner,
      boot,
      from,
      to,
      floor: this.#floor,
      head: this.#sequence,
      entries,
    };
  }

  #put(key: string, sequence: number, value: V | undefined, deleted: boolean): Replacement<V> {
    const before = this.#latest.get(key);
    if (before !== undefined) {
      before.stale = true;
      this.#staleCount += 1;
      if (before.deleted) this.#tombstones -= 1;
    }
    const { owner, boot } = this;
    const after: Entry<V> = { owner, boot, key, sequence, deleted, value, stale: false };
    if (deleted) this.#tombstones += 1;
    this.#latest.set(key, after);
    this.#log.push(after);
    this.#tidy();
    return { before, after };
  }

  /** Drops replaced entries when they are the larger part: constant cost a write, on average. */
  #tidy(): void {
    if (this.#staleCount <= 64 || this.#staleCount * 2 <= this.#log.length) return;
    this.#log = this.#log.filter((entry) => !entry.stale);
    this.#staleCount = 0;
  }

  /** Index of the first entry of the log whose sequence is greater. */
  #firstAfter(sequence: number): number {
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#log[middle] as Entry<V>).sequence <= sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function asKept(_key: string, value: unknown): unknown {
  return value;
}
