/**
 * Removals: finds what one of two replicas has removed and the other still has.
 *
 * Who differs sends the digests of blocks of numbers; the other answers those that differ with a
 * bitmap of what is live; then both sides can tell which removals they missed.
 *
 * Invariant: a write is taken for removed only if the peer says that it has seen it and that it is not live.
 */
import type { NodeId } from "@foundation/core";
import { BLOCK_WRITES, type CausalLimits } from "../../limits.js";
import type { DotTable } from "./dot-table.js";
import { Intervals } from "./intervals.js";
import type { Blocks, CausalMessage, Lives } from "./messages.js";
import { blockOf, type Strand, type StrandId } from "./strand.js";

export interface RemovalsOptions<V> {
  readonly table: DotTable<V>;
  readonly limits: CausalLimits;
  readonly send: (to: NodeId, message: CausalMessage<V>) => void;
  /** A peer removed these numbers. */
  readonly removed: (strand: Strand<V>, ranges: readonly number[], now: number) => void;
}

export class Removals<V> {
  readonly #options: RemovalsOptions<V>;
  /**
   * Whom removals were told since the last tick: by writer, how many live writes the peer had then.
   * To tell more is a step only if the peer has fewer now.
   */
  readonly #told = new Map<NodeId, Map<StrandId, number>>();
  #cursor = 0;

  constructor(options: RemovalsOptions<V>) {
    this.#options = options;
  }

  /** All may be told anew. */
  tick(): void {
    this.#told.clear();
  }

  forget(peer: NodeId): void {
    this.#told.delete(peer);
  }

  /** Sends all blocks, or as many as fit, another part each time. */
  ask(to: NodeId, strand: Strand<V>): void {
    const { limits, send } = this.#options;
    const indexes = [...strand.blocks.keys()].sort((a, b) => a - b);
    const isWhole = indexes.length <= limits.blocksMax;
    const start = isWhole ? 0 : this.#cursor % indexes.length;
    const chosen = indexes.slice(start, start + limits.blocksMax);
    this.#cursor = isWhole ? 0 : start + chosen.length;
    const blocks: number[] = [];
    for (const index of chosen) {
      const block = strand.blocks.get(index);
      if (block !== undefined) blocks.push(index, block.high, block.low);
    }
    const from = start === 0 ? 0 : (chosen[0] ?? 0);
    const isEnd = start + chosen.length >= indexes.length;
    const through = isEnd ? blockOf(Math.max(1, strand.seen.upper)) : (chosen.at(-1) ?? 0);
    send(to, { type: "blocks", of: strand.id, from, through, blocks });
  }

  /** A peer has sent its blocks: tells what is live here in those that differ. */
  answer(from: NodeId, { of, from: first, through, blocks }: Blocks): void {
    const { table, limits, send } = this.#options;
    const strand = table.strands.get(of);
    const bitmaps: [number, Uint8Array][] = [];
    let more = false;
    if (strand !== undefined) {
      const differing = differingBlocks(strand, blocks, first, through);
      more = differing.length > limits.bitmapsMax;
      for (const index of differing.slice(0, limits.bitmapsMax)) {
        bitmaps.push([index, strand.bits(index)]);
      }
    }
    const seen = strand?.seen.ranges ?? [];
    send(from, { type: "lives", of, seen: [...seen], bitmaps, more });
  }

  /**
   * A peer has told what is live there: takes and tells the removals that one side missed.
   *
   * @param live how many live writes the peer had when it last said so; undefined: not asked for
   * @returns whether something was learnt, or the peer has something to learn that it was not told before
   */
  settle(
    from: NodeId,
    { of, seen, bitmaps }: Lives,
    live: number | undefined,
    now: number,
  ): boolean {
    const { table, removed, send } = this.#options;
    const strand = table.strands.get(of);
    if (strand === undefined) return false;
    const theirs = new Intervals(seen);
    const here = new Intervals();
    const there = new Intervals();
    for (const [index, bits] of bitmaps) {
      compareBits(index, strand.bits(index), bits, (sequence, isOurs) => {
        if (isOurs && theirs.has(sequence)) here.add(sequence, sequence);
        else if (!isOurs && strand.seen.has(sequence)) there.add(sequence, sequence);
      });
    }
    if (here.count > 0) removed(strand, here.ranges, now);
    if (there.count > 0) {
      send(from, { type: "delta", parts: [], removed: [[of, [...there.ranges]]] });
    }
    return here.count > 0 || (there.count > 0 && this.#isFirstToldOf(from, of, live));
  }

  /** Whether removals that a peer is told of a writer are others than were told it before. */
  #isFirstToldOf(peer: NodeId, of: StrandId, live: number | undefined): boolean {
    if (live === undefined) return false;
    let told = this.#told.get(peer);
    if (told === undefined) this.#told.set(peer, (told = new Map()));
    const before = told.get(of);
    told.set(of, Math.min(live, before ?? live));
    return before === undefined || live < before;
  }
}

function differingBlocks<V>(
  strand: Strand<V>,
  blocks: readonly number[],
  first: number,
  through: number,
): number[] {
  const indexes = new Set<number>();
  for (const index of strand.blocks.keys()) {
    if (index >= first && index <= through) indexes.add(index);
  }
  for (let i = 0; i < blocks.length; i += 3) {
    const index = blocks[i] as number;
    const block = strand.blocks.get(index);
    const isEqual = block?.high === blocks[i + 1] && block?.low === blocks[i + 2];
    if (isEqual) indexes.delete(index);
    else if (index <= blockOf(Number.MAX_SAFE_INTEGER)) indexes.add(index);
  }
  return [...indexes].sort((a, b) => a - b);
}

function compareBits(
  index: number,
  ours: Uint8Array,
  theirs: Uint8Array,
  found: (sequence: number, isOurs: boolean) => void,
): void {
  const first = index * BLOCK_WRITES + 1;
  for (let byte = 0; byte < ours.length; byte += 1) {
    const a = ours[byte] as number;
    const b = theirs[byte] as number;
    if (a === b) continue;
    for (let bit = 0; bit < 8; bit += 1) {
      const mask = 1 << bit;
      if ((a & mask) !== (b & mask)) found(first + byte * 8 + bit, (a & mask) !== 0);
    }
  }
}
