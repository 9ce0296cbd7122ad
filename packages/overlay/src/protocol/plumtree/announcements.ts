/**
 * Announcements: tells lazy neighbours what is here, in batches.
 *
 * Messages in a row of one source are one run, and one list serves all lazy neighbours, so a message
 * costs a few comparisons however many they are. A neighbour is not told of what came from it.
 * A list that would exceed one message is cut into several.
 */
import type { Outbox } from "./effects.js";
import type { PlumtreeLimits, PlumtreeTimes } from "./limits.js";
import { HOP_MAX, type PlumtreeMessage, type Run } from "./messages.js";
import type { Neighbor } from "./neighbor.js";
import type { Entry, Source } from "./source.js";
import type { NodeId } from "@foundation/core";

interface PendingRun<P> {
  readonly source: Source<P>;
  readonly from: NodeId;
  readonly lo: number;
  hi: number;
  readonly hop: number;
}

export class Announcements<P> {
  readonly #out: Outbox<P>;
  readonly #limits: PlumtreeLimits;
  readonly #times: PlumtreeTimes;
  #pending: PendingRun<P>[] = [];

  constructor(out: Outbox<P>, limits: PlumtreeLimits, times: PlumtreeTimes) {
    this.#out = out;
    this.#limits = limits;
    this.#times = times;
  }

  /** The message will be announced to all that are lazy then. */
  add(entry: Entry<P>, neighbors: readonly Neighbor[], now: number): void {
    const hop = Math.min(HOP_MAX, entry.hop + 1);
    const last = this.#pending[this.#pending.length - 1];
    if (
      last !== undefined &&
      last.source === entry.source &&
      last.hi + 1 === entry.seq &&
      last.hop === hop &&
      last.from === entry.from
    ) {
      last.hi = entry.seq;
      return;
    }
    const { source, from, seq } = entry;
    this.#pending.push({ source, from, lo: seq, hi: seq, hop });
    if (this.#pending.length >= this.#limits.announcedRunsMax) this.flush(neighbors);
    else this.#out.arm("announce", now + this.#times.announceMs, now);
  }

  /** Announces what waits to every lazy neighbour. */
  flush(neighbors: readonly Neighbor[]): void {
    if (this.#pending.length === 0) return;
    let shared: PlumtreeMessage<P>[] | undefined;
    for (const neighbor of neighbors) {
      if (neighbor.eager) continue;
      const { id } = neighbor;
      if (this.#pending.some((run) => run.from === id)) {
        this.flushTo(id);
        continue;
      }
      shared ??= this.#messages();
      for (const message of shared) this.#out.send(id, message);
    }
    this.#pending = [];
  }

  /** Announces what waits to one neighbour: it was lazy and will not be when the others are told. */
  flushTo(id: NodeId): void {
    for (const message of this.#messages(id)) this.#out.send(id, message);
  }

  #messages(except?: NodeId): PlumtreeMessage<P>[] {
    const runs: Run[] = [];
    for (const { source, from, lo, hi, hop } of this.#pending) {
      if (from === except) continue;
      runs.push({ origin: source.origin, boot: source.boot, lo, hi, hop });
    }
    const messages: PlumtreeMessage<P>[] = [];
    const most = this.#limits.runsPerMessageMax;
    for (let at = 0; at < runs.length; at += most) {
      messages.push({ type: "have", runs: runs.slice(at, at + most) });
    }
    return messages;
  }
}
