/**
 * DotTable: the live writes of a causal state, by key and by writer.
 *
 * The lattice of all types of replicated state: a set of live dots with what they carry, and the set
 * of all dots ever taken in. Join: a dot is live in the result when it is live on both sides, or live
 * on one and not taken in by the other ("Delta State Replicated Data Types", dot stores). A type only
 * decides what the live writes of a key mean.
 *
 * Invariants: a dot enters once; a key without live writes is not in the table; nothing is kept of
 * what was removed but its number in its writer's `seen`.
 */
import { fingerprint, type Fingerprint } from "../fingerprint.js";
import { invariant } from "../invariant.js";
import { Expiry } from "./expiry.js";
import { writerOf, type Part } from "./messages.js";
import { Strand, type Entry, type StrandId } from "./strand.js";

/** What a write carries. */
export interface Written<V> {
  readonly key: string;
  readonly value: V;
  readonly wallMs: number;
  readonly counter: number;
  readonly endsAtMs: number;
}

const NONE: readonly never[] = [];

export class DotTable<V> {
  readonly strands = new Map<StrandId, Strand<V>>();
  readonly expiry = new Expiry<V>();
  /** What readers see differently since `takeTouched`: by key, the live writes before. */
  #touched = new Map<string, readonly Entry<V>[]>();
  readonly #heads = new Map<string, Entry<V>>();
  readonly #drops: (entry: Entry<V>) => void;
  /** Whether anybody wants to know what changed. */
  isWatched = false;
  /** Live writes, concurrent ones of one key included. */
  live = 0;
  /** The greatest hybrid time of any write that was taken in. */
  newestWallMs = 0;
  newestCounter = 0;

  /** @param drops told of each live write that was removed */
  constructor(drops: (entry: Entry<V>) => void) {
    this.#drops = drops;
  }

  /** Keys that have a live write. */
  get size(): number {
    return this.#heads.size;
  }

  /** The first of a key's live writes; the others by `next`. */
  head(key: string): Entry<V> | undefined {
    return this.#heads.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#heads.keys();
  }

  heads(): IterableIterator<Entry<V>> {
    return this.#heads.values();
  }

  /** Digest of what is live, and of what was taken in of its writers. */
  get root(): Fingerprint {
    let high = 0;
    let low = 0;
    for (const strand of this.strands.values()) {
      if (strand.live === 0) continue;
      const of = fingerprint(
        `${strand.id} ${strand.high} ${strand.low} ${strand.live} ${strand.seen.ranges.join()}`,
      );
      high ^= of.high;
      low ^= of.low;
    }
    return { high: high >>> 0, low: low >>> 0 };
  }

  /** The strand of a writer, made when there is none. */
  strand(id: StrandId): Strand<V> {
    let strand = this.strands.get(id);
    if (strand !== undefined) return strand;
    const writer = writerOf(id);
    invariant(writer !== undefined, "a writer's id was checked");
    strand = new Strand<V>(id, writer.node, writer.boot);
    this.strands.set(id, strand);
    return strand;
  }

  /** Takes in a new dot as live. */
  insert(strand: Strand<V>, sequence: number, written: Written<V>): Entry<V> {
    const { key, value, wallMs, counter, endsAtMs } = written;
    const before = this.#heads.get(key);
    this.#touch(key, before);
    const next = before;
    const entry: Entry<V> = {
      key,
      strand,
      sequence,
      value,
      wallMs,
      counter,
      endsAtMs,
      isLive: true,
      next,
    };
    this.#heads.set(key, entry);
    strand.add(entry);
    this.live += 1;
    if (wallMs > this.newestWallMs) {
      this.newestWallMs = wallMs;
      this.newestCounter = counter;
    } else if (wallMs === this.newestWallMs && counter > this.newestCounter) {
      this.newestCounter = counter;
    }
    if (endsAtMs !== Number.POSITIVE_INFINITY) this.expiry.add(entry);
    return entry;
  }

  /** Removes a live write. */
  drop(entry: Entry<V>): void {
    const head = this.#heads.get(entry.key);
    this.#touch(entry.key, head);
    if (head === entry) {
      if (entry.next === undefined) this.#heads.delete(entry.key);
      else this.#heads.set(entry.key, entry.next);
    } else {
      let at = head;
      while (at !== undefined && at.next !== entry) at = at.next;
      invariant(at !== undefined, "a live write is in its key's chain");
      at.next = entry.next;
    }
    entry.next = undefined;
    entry.strand.drop(entry);
    this.live -= 1;
    if (entry.endsAtMs !== Number.POSITIVE_INFINITY) this.expiry.replaced();
    this.#drops(entry);
  }

  /** Removes all live writes of a key; false when it has none. */
  clear(key: string): boolean {
    const head = this.#heads.get(key);
    if (head === undefined) return false;
    for (let at: Entry<V> | undefined = head; at !== undefined; ) {
      const { next }: Entry<V> = at;
      this.drop(at);
      at = next;
    }
    return true;
  }

  /** Joins a part of a delta; how many new live writes it had. */
  join(part: Part<V>, now: number): number {
    const strand = this.strand(part.of);
    const { from, through, gaps, keys, values, times, left } = part;
    let at = from;
    let wallMs = times?.[0] ?? 0;
    let taken = 0;
    const isNew = strand.seen.upper < from;
    for (let i = 0; i < keys.length; i += 1) {
      const sequence = gaps === undefined ? from + i : (at += gaps[i] as number);
      wallMs += times?.[1 + 2 * i] ?? 0;
      if (!isNew && strand.seen.has(sequence)) continue;
      const leftMs = left?.[i] ?? 0;
      this.insert(strand, sequence, {
        key: keys[i] as string,
        value: values[i] as V,
        wallMs,
        counter: times?.[2 + 2 * i] ?? 0,
        endsAtMs: leftMs === 0 ? Number.POSITIVE_INFINITY : now + leftMs,
      });
      taken += 1;
    }
    if (!isNew) this.#dropOthers(strand, part);
    strand.seen.add(from, through);
    strand.changedAtMs = now;
    return taken;
  }

  /** A part has all that is live in its range: what is live here and not in it was removed there. */
  #dropOthers(strand: Strand<V>, { from, through, gaps }: Part<V>): void {
    if (gaps === undefined) return;
    const there = new Set<number>();
    let at = from;
    for (const gap of gaps) there.add((at += gap));
    for (const entry of strand.range(from, through))
      if (!there.has(entry.sequence)) this.drop(entry);
  }

  /** Keys that were touched, with their live writes before; empties the book. */
  takeTouched(): ReadonlyMap<string, readonly Entry<V>[]> {
    const touched = this.#touched;
    if (touched.size > 0) this.#touched = new Map();
    return touched;
  }

  #touch(key: string, head: Entry<V> | undefined): void {
    if (this.isWatched && !this.#touched.has(key)) this.#touched.set(key, chainOf(head));
  }
}

/** The live writes of a key as a list. */
export function chainOf<V>(head: Entry<V> | undefined): readonly Entry<V>[] {
  if (head === undefined) return NONE;
  const chain: Entry<V>[] = [];
  for (let at: Entry<V> | undefined = head; at !== undefined; at = at.next) chain.push(at);
  return chain;
}
