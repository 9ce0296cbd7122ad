/**
 * Source: what a node knows of the messages of one start of one node.
 *
 * The messages that are here are an interval set with one long interval: all below `next` were
 * delivered (or given up), and `held` are the few after a gap. So memory does not grow with the
 * number of messages, and "is it here?" is one comparison for nearly all of them.
 *
 * Invariants: `held` never contains `next` or anything below it, and is undefined when empty; so
 * are `cached` and `offers`. There may be thousands of sources, most of them quiet.
 */
import type { Boot, NodeId } from "@foundation/core";

/** A message that is here. */
export interface Entry<P> {
  readonly source: Source<P>;
  readonly seq: number;
  /** Links it travelled to get here; 0: it is our own. */
  readonly hop: number;
  /** Whom the first copy came from; ourselves, if it is our own. */
  readonly from: NodeId;
  readonly back: number;
  readonly beside: boolean;
  readonly payload: P;
  readonly sizeBytes: number;
  /** When it came. */
  readonly at: number;
  /** The next younger one in the cache. */
  younger: Entry<P> | undefined;
}

/** A neighbour says that it has these messages. */
export interface Offer {
  readonly from: NodeId;
  lo: number;
  hi: number;
  readonly hop: number;
  /** When it was heard. */
  at: number;
  /** Take the messages without changing the tree: the offer is no sign that it is broken. */
  readonly pullOnly: boolean;
  /** Grafts sent for it since the neighbour last sent anything of this source. */
  tries: number;
}

export class Source<P> {
  readonly origin: NodeId;
  readonly boot: Boot;
  /** Another start of the same node. */
  other: Source<P> | undefined = undefined;
  /** The next message to deliver; 0: not known yet, only offers were heard. */
  next = 0;
  /** Nobody has said yet that `next` is where the source begins for this node. */
  isTentative = false;
  /** A message of it came; otherwise `next` is only what somebody said. */
  isHeard = false;
  /** Later messages that wait for an earlier one. */
  held: Map<number, Entry<P>> | undefined = undefined;
  /** Messages that can be sent again. */
  cached: Map<number, Entry<P>> | undefined = undefined;
  /** No cached message is below this; the next one, if nothing is cached. */
  low = 0;
  /** When the last new message came. */
  lastAt: number;
  /** When the last copy came that was not kept. */
  copiedAt = Number.NEGATIVE_INFINITY;
  /** Who says to have what is missing. */
  offers: Offer[] | undefined = undefined;
  /** The repair looks after it. */
  repairing = false;
  /** When the wait for the message `next` ends. */
  gapAt = Number.POSITIVE_INFINITY;
  /** Until then the answer to a graft is waited for. */
  askedUntil = Number.NEGATIVE_INFINITY;
  /** The last message asked for. */
  askedLast = 0;
  /** The gap, by the message it begins with, for which the origin itself was asked. */
  turnedAt = 0;
  /** Digest rounds since it ended; -1: it lives. */
  endedRounds = -1;

  constructor(origin: NodeId, boot: Boot, now: number) {
    this.origin = origin;
    this.boot = boot;
    this.lastAt = now;
  }

  /** True when the message is here or was given up. */
  has(seq: number): boolean {
    return seq < this.next || (this.held !== undefined && this.held.has(seq));
  }

  /** The first message that waits; Infinity: none does. */
  firstHeld(): number {
    let first = Number.POSITIVE_INFINITY;
    if (this.held !== undefined) for (const seq of this.held.keys()) first = Math.min(first, seq);
    return first;
  }

  /** The first message of the range that is not here, or undefined. */
  firstMissing(lo: number, hi: number): number | undefined {
    let seq = Math.max(lo, this.next);
    if (this.held !== undefined) while (seq <= hi && this.held.has(seq)) seq += 1;
    return seq <= hi ? seq : undefined;
  }
}
