/**
 * Digests: tell a neighbour what could be sent to it, so that it can ask for what it misses.
 *
 * The whole of it when a link comes up, since that link was not there when the messages came; a
 * bounded part every few seconds while anything is cached, for whatever the links lost. Links lose
 * nothing while they last, so the second is a safety net and may be small.
 */
import type { NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import type { Outbox } from "./effects.js";
import type { PlumtreeLimits, PlumtreeTimes } from "./limits.js";
import type { Run } from "./messages.js";
import type { Source } from "./source.js";
import type { Sources } from "./sources.js";

export class Digests<P> {
  readonly #out: Outbox<P>;
  readonly #sources: Sources<P>;
  readonly #random: Random;
  readonly #limits: PlumtreeLimits;
  readonly #times: PlumtreeTimes;

  constructor(
    out: Outbox<P>,
    sources: Sources<P>,
    random: Random,
    limits: PlumtreeLimits,
    times: PlumtreeTimes,
  ) {
    this.#out = out;
    this.#sources = sources;
    this.#random = random;
    this.#limits = limits;
    this.#times = times;
  }

  /**
   * All that was heard lately, and not before `since`. It is sent even if that is nothing: it settles
   * a new node.
   */
  sendWhole(
    to: NodeId,
    says: { readonly fresh: boolean; readonly seeking: boolean },
    since: number,
    now: number,
  ): void {
    const runs = this.#runs(now, since);
    const most = this.#limits.runsPerMessageMax;
    let at = 0;
    do {
      const part = runs.slice(at, at + most);
      at += most;
      const more = at < runs.length;
      this.#out.send(to, { type: "digest", ask: false, more, ...says, runs: part });
    } while (at < runs.length);
  }

  /** As much as a periodic digest may hold; the neighbour answers with what it has beyond that. */
  sendPart(to: NodeId, now: number): void {
    let runs = this.#runs(now, Number.NEGATIVE_INFINITY);
    const most = Math.min(this.#limits.digestRunsMax, this.#limits.runsPerMessageMax);
    if (runs.length > most) {
      const from = this.#random.uint32() % runs.length;
      runs = [...runs.slice(from), ...runs.slice(0, from)].slice(0, most);
    }
    if (runs.length === 0) return;
    this.#send(to, true, runs);
  }

  /** What is here beyond what the neighbour listed. */
  answer(to: NodeId, listed: readonly Run[]): void {
    const known = new Map<Source<P>, number>();
    for (const { origin, boot, hi } of listed) {
      const source = this.#sources.find(origin, boot);
      if (source === undefined) continue;
      known.set(source, Math.max(hi, known.get(source) ?? 0));
    }
    const runs: Run[] = [];
    for (const [source, hi] of known) {
      if (source.cached === undefined) continue;
      const lo = Math.max(source.low, hi + 1);
      if (lo < source.next) runs.push(runOf(source, lo, source.next - 1));
    }
    if (runs.length === 0) return;
    this.#send(to, false, runs);
  }

  /** Over a link that is not new. */
  #send(to: NodeId, ask: boolean, runs: readonly Run[]): void {
    const says = { more: false, fresh: false, seeking: false };
    this.#out.send(to, { type: "digest", ask, ...says, runs });
  }

  #runs(now: number, since: number): Run[] {
    const runs: Run[] = [];
    this.#sources.forEach((source) => {
      if (source.next === 0) return;
      if (source.cached === undefined && source.lastAt + this.#times.cacheMs <= now) return;
      const lo = Math.min(firstSince(source, since), source.next);
      // Copies are not kept: some that came since then may be on their way to the receiver.
      const hop = source.copiedAt >= since && since !== Number.NEGATIVE_INFINITY ? 1 : 0;
      runs.push({ ...runOf(source, lo, source.next - 1), hop });
      if (source.held !== undefined) pushHeld(source, source.held, runs);
    });
    return runs;
  }
}

function pushHeld<P>(source: Source<P>, held: ReadonlyMap<number, unknown>, runs: Run[]): void {
  const seqs = [...held.keys()].sort((a, b) => a - b);
  let lo = seqs[0] ?? 0;
  let hi = lo;
  for (const seq of seqs) {
    if (seq > hi + 1) {
      runs.push(runOf(source, lo, hi));
      lo = seq;
    }
    hi = seq;
  }
  runs.push(runOf(source, lo, hi));
}

/** The first message that is kept and came no earlier; the next one, if there is none. */
function firstSince<P>({ cached, low, next }: Source<P>, since: number): number {
  if (cached === undefined) return next;
  // By age: the numbers may have a hole of what was given up, with more to offer before it.
  let isAnyOlder = false;
  let first = next;
  for (const { seq, at } of cached.values()) {
    if (at < since) isAnyOlder = true;
    else if (!isAnyOlder) return low;
    else if (seq < first) first = seq;
  }
  return first;
}

function runOf<P>({ origin, boot }: Source<P>, lo: number, hi: number): Run {
  return { origin, boot, lo, hi, hop: 0 };
}
