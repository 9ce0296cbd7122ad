/**
 * PayloadCache: the latest messages, kept for neighbours that miss them.
 *
 * One list of all of them by age bounds time, bytes and number; each source finds its own by
 * sequence number. Nothing runs to drop them: every message that comes drops what is too old, and
 * so does the round timer.
 */
import type { PlumtreeLimits, PlumtreeTimes } from "./limits.js";
import type { Entry } from "./source.js";

export class PayloadCache<P> {
  readonly #limits: PlumtreeLimits;
  readonly #times: PlumtreeTimes;
  #oldest: Entry<P> | undefined;
  #youngest: Entry<P> | undefined;
  #bytes = 0;
  #count = 0;

  constructor(limits: PlumtreeLimits, times: PlumtreeTimes) {
    this.#limits = limits;
    this.#times = times;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#count;
  }

  /** Keeps a message. The youngest one is kept even if it alone is larger than the cache. */
  add(entry: Entry<P>): void {
    const { source } = entry;
    if (source.cached === undefined) {
      source.cached = new Map();
      source.low = entry.seq;
    } else if (entry.seq < source.low) {
      source.low = entry.seq;
    }
    source.cached.set(entry.seq, entry);
    if (this.#youngest === undefined) this.#oldest = entry;
    else this.#youngest.younger = entry;
    this.#youngest = entry;
    this.#bytes += entry.sizeBytes;
    this.#count += 1;
    while (this.#isFull() && this.#oldest !== entry) this.#dropOldest();
  }

  /** Drops what is too old. */
  expire(now: number): void {
    const { cacheMs } = this.#times;
    while (this.#oldest !== undefined && this.#oldest.at + cacheMs <= now) this.#dropOldest();
  }

  #isFull(): boolean {
    return this.#bytes > this.#limits.cacheBytesMax || this.#count > this.#limits.cacheMessagesMax;
  }

  #dropOldest(): void {
    const entry = this.#oldest;
    if (entry === undefined) return;
    this.#oldest = entry.younger;
    entry.younger = undefined;
    if (this.#oldest === undefined) this.#youngest = undefined;
    this.#bytes -= entry.sizeBytes;
    this.#count -= 1;
    const { source, seq } = entry;
    source.cached?.delete(seq);
    if (source.cached?.size === 0) source.cached = undefined;
    if (seq >= source.low) source.low = seq + 1;
  }
}
