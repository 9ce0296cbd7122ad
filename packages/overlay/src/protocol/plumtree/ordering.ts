/**
 * Ordering: hands the messages of each source on in the order they were sent, each once.
 *
 * A message whose predecessor is missing waits. The wait has an end: when the origin says that it does
 * not keep the missing ones any more, or `gapMs` (`endedGapMs` where the origin has ended) after the
 * last one that could be delivered, which the repair looks after. Then the missing ones are given up: what came later is
 * worth more than an order that cannot be had.
 */
import type { Outbox } from "./effects.js";
import type { PlumtreeLimits, PlumtreeTimes } from "./limits.js";
import type { Entry, Source } from "./source.js";

export class Ordering<P> {
  readonly #out: Outbox<P>;
  readonly #limits: PlumtreeLimits;
  readonly #times: PlumtreeTimes;
  #heldBytes = 0;
  #heldCount = 0;

  constructor(out: Outbox<P>, limits: PlumtreeLimits, times: PlumtreeTimes) {
    this.#out = out;
    this.#limits = limits;
    this.#times = times;
  }

  /** Messages that wait for an earlier one. */
  get heldCount(): number {
    return this.#heldCount;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** False when too many wait for one more to do so. */
  hasRoom(source: Source<P>, sizeBytes: number): boolean {
    const waiting = source.held === undefined ? 0 : source.held.size;
    return (
      waiting < this.#limits.gapMessagesMax &&
      this.#heldCount < this.#limits.gapMessagesTotalMax &&
      this.#heldBytes + sizeBytes <= this.#limits.gapBytesMax
    );
  }

  /** Delivers a new message, and what waited for it; or lets it wait. */
  take(entry: Entry<P>, now: number): void {
    const { source } = entry;
    if (entry.seq === source.next) {
      this.#deliver(entry);
      if (source.held !== undefined) this.#drain(source, source.held, now);
      return;
    }
    if (source.held === undefined) {
      source.held = new Map();
      source.gapAt = now + this.#patienceFor(source);
    }
    source.held.set(entry.seq, entry);
    this.#heldBytes += entry.sizeBytes;
    this.#heldCount += 1;
  }

  /** Gives up what is missing before the first message that waits. */
  skip(source: Source<P>, now: number): void {
    const { held } = source;
    if (held === undefined) return;
    const first = source.firstHeld();
    this.#out.countMany("skipped", first - source.next);
    source.next = first;
    this.#drain(source, held, now);
  }

  /** Nothing before `first` is for this node: delivers what is here of it, and goes on there. */
  giveUp(source: Source<P>, first: number, now: number): void {
    const { held } = source;
    if (held === undefined) {
      source.next = first;
      return;
    }
    const before = [...held.keys()].filter((seq) => seq < first).sort((a, b) => a - b);
    for (const seq of before) this.#deliver(this.#release(held, seq));
    source.next = first;
    this.#drain(source, held, now);
  }

  /** The source has ended: the wait for what is missing of it is a short one. */
  ended(source: Source<P>, now: number): void {
    source.gapAt = Math.min(source.gapAt, now + this.#patienceFor(source));
  }

  #patienceFor({ endedRounds }: Source<P>): number {
    return endedRounds < 0 ? this.#times.gapMs : this.#times.endedGapMs;
  }

  #release(held: Map<number, Entry<P>>, seq: number): Entry<P> {
    const entry = held.get(seq) as Entry<P>;
    held.delete(seq);
    this.#heldBytes -= entry.sizeBytes;
    this.#heldCount -= 1;
    return entry;
  }

  #drain(source: Source<P>, held: Map<number, Entry<P>>, now: number): void {
    while (held.has(source.next)) this.#deliver(this.#release(held, source.next));
    if (held.size > 0) {
      source.gapAt = now + this.#patienceFor(source);
      return;
    }
    source.held = undefined;
    source.gapAt = Number.POSITIVE_INFINITY;
  }

  #deliver(entry: Entry<P>): void {
    const { source, seq, hop, from, payload } = entry;
    source.next = seq + 1;
    const { origin, boot } = source;
    this.#out.push({ type: "deliver", origin, boot, seq, hop, from, payload });
  }
}
