/**
 * Strand: everything one writer wrote into a causal state, as one replica knows it.
 *
 * A writer is one opening of the state by one start of a node: it numbers its writes 1, 2, 3 …; a
 * *dot* is (writer, number) and names one write for good. A strand holds the live writes in order of
 * their numbers, the numbers ever taken in (`seen`), and for each 1,024 numbers a digest of the live
 * ones, by which two replicas find removals that one of them missed.
 *
 * Invariants: a live write's number is in `seen`; a number in `seen` that is not live was removed, and
 * never comes back; a block's digest is the XOR of the hashes of its live numbers.
 */
import type { Boot, NodeId } from "@foundation/core";
import { BLOCK_WRITES } from "../../limits.js";
import { Intervals } from "./intervals.js";

/** One write. Only `isLive` and `next` ever change. */
export interface Entry<V> {
  readonly key: string;
  readonly strand: Strand<V>;
  readonly sequence: number;
  readonly value: V;
  /** Hybrid time of the write; 0 where the type of state needs none. */
  readonly wallMs: number;
  readonly counter: number;
  /** Monotonic time at which it ends by itself; Infinity for never. */
  readonly endsAtMs: number;
  isLive: boolean;
  /** The next live write of the same key: concurrent to this one. */
  next: Entry<V> | undefined;
}

/** Digest of the live writes of one block. */
export interface Block {
  count: number;
  high: number;
  low: number;
}

/** `node/boot/opening`: who wrote. */
export type StrandId = string & { readonly strandId: true };

/** Dead places a log keeps before it is rewritten, and of how many places they may be one. */
const DEAD_KEPT = 64;
const DEAD_SHARE = 8;

const { imul } = Math;

export class Strand<V> {
  readonly id: StrandId;
  readonly node: NodeId;
  readonly boot: Boot;
  readonly seen = new Intervals();
  /** When this replica last learnt something of it; monotonic. */
  changedAtMs = 0;
  /** Since when its writer is no member; undefined while it is. */
  deadSinceMs: number | undefined;
  live = 0;
  high = 0;
  low = 0;
  readonly blocks = new Map<number, Block>();
  #log: Entry<V>[] = [];
  #isSorted = true;
  #dead = 0;

  constructor(id: StrandId, node: NodeId, boot: Boot) {
    this.id = id;
    this.node = node;
    this.boot = boot;
  }

  /** What is known of it: rises with every write that is learnt and with every removal. */
  get known(): number {
    return 2 * this.seen.size - this.live;
  }

  add(entry: Entry<V>): void {
    const last = this.#log.at(-1);
    if (last !== undefined && last.sequence > entry.sequence) this.#isSorted = false;
    this.#log.push(entry);
    this.live += 1;
    this.#toggle(entry.sequence, 1);
  }

  drop(entry: Entry<V>): void {
    entry.isLive = false;
    this.live -= 1;
    this.#dead += 1;
    this.#toggle(entry.sequence, -1);
    if (this.#dead <= DEAD_KEPT || this.#dead * DEAD_SHARE <= this.#log.length) return;
    this.#log = this.#log.filter(({ isLive }) => isLive);
    this.#dead = 0;
  }

  /** The live writes with numbers from `from` through `through`, in order. */
  range(from: number, through: number): Entry<V>[] {
    const out: Entry<V>[] = [];
    for (let i = this.#indexOf(from); i < this.#log.length; i += 1) {
      const entry = this.#log[i] as Entry<V>;
      if (entry.sequence > through) break;
      if (entry.isLive) out.push(entry);
    }
    return out;
  }

  /** Like `range`, one after the other until `take` says no. */
  scan(from: number, through: number, take: (entry: Entry<V>) => boolean): void {
    for (let i = this.#indexOf(from); i < this.#log.length; i += 1) {
      const entry = this.#log[i] as Entry<V>;
      if (entry.sequence > through) return;
      if (entry.isLive && !take(entry)) return;
    }
  }

  /** Which numbers of a block are live, one bit each. */
  bits(block: number): Uint8Array {
    const bits = new Uint8Array(BLOCK_WRITES / 8);
    const first = block * BLOCK_WRITES + 1;
    this.scan(first, first + BLOCK_WRITES - 1, ({ sequence }) => {
      const at = sequence - first;
      bits[at >> 3] = (bits[at >> 3] as number) | (1 << (at & 7));
      return true;
    });
    return bits;
  }

  #indexOf(sequence: number): number {
    if (!this.#isSorted) {
      this.#log.sort((a, b) => a.sequence - b.sequence);
      this.#isSorted = true;
    }
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#log[middle] as Entry<V>).sequence < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #toggle(sequence: number, by: 1 | -1): void {
    const index = blockOf(sequence);
    let block = this.blocks.get(index);
    if (block === undefined) this.blocks.set(index, (block = { count: 0, high: 0, low: 0 }));
    const high = mixed(sequence, 0x9e3779b1);
    const low = mixed(sequence, 0x85ebca77);
    block.count += by;
    block.high = (block.high ^ high) >>> 0;
    block.low = (block.low ^ low) >>> 0;
    this.high = (this.high ^ high) >>> 0;
    this.low = (this.low ^ low) >>> 0;
    if (block.count === 0) this.blocks.delete(index);
  }
}

/** The block of a number. */
export function blockOf(sequence: number): number {
  return Math.floor((sequence - 1) / BLOCK_WRITES);
}

/** MurmurHash3's finish over both halves of the number. */
function mixed(sequence: number, salt: number): number {
  let hash = imul((sequence >>> 0) ^ imul(Math.floor(sequence / 0x1_0000_0000), 0x27d4eb2f), salt);
  hash ^= hash >>> 16;
  hash = imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
