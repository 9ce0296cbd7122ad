/**
 * EventRing: what is going to happen in a world of whole milliseconds, ordered by (time, sequence).
 *
 * A heap of the hundred thousands of messages that ten thousand nodes have on their way costs more than the protocol
 * cores themselves. Where every time is a whole millisecond, a bucket for each of the next ones gives the same order
 * for the price of an append. What lies beyond the ring waits by its own time, and was asked for before anything the
 * ring was given for that millisecond: so it comes first, and the order is whole.
 */

/** Milliseconds of the ring, a power of two: most timers of an overlay lie within. */
const RING_MS = 16_384;
const MASK = RING_MS - 1;

export class EventRing<T> {
  /** The time of what was taken last, or that was waited for; whole milliseconds. */
  now = 0;
  /** How many things wait. */
  size = 0;
  readonly #ring: T[][] = Array.from({ length: RING_MS }, () => []);
  readonly #later = new Map<number, T[]>();
  /** Of the present millisecond's bucket: what was taken of it. */
  #taken = 0;

  /** @param atMs a whole number, not before `now`; at `now`, it comes after what waits for that time already */
  add(atMs: number, thing: T): void {
    if (atMs < this.now) throw new RangeError(`${atMs} ms is over; it is ${this.now} ms`);
    this.size += 1;
    if (atMs - this.now < RING_MS) {
      (this.#ring[atMs & MASK] as T[]).push(thing);
      return;
    }
    const others = this.#later.get(atMs);
    if (others === undefined) this.#later.set(atMs, [thing]);
    else others.push(thing);
  }

  /** Removes the next thing that is due by then; without one, it is then. */
  take(untilMs: number): T | undefined {
    for (;;) {
      const bucket = this.#ring[this.now & MASK] as T[];
      if (this.#taken < bucket.length) {
        this.size -= 1;
        return bucket[this.#taken++];
      }
      // A millisecond that was crowded keeps no room for it.
      if (bucket.length > 0) this.#ring[this.now & MASK] = [];
      this.#taken = 0;
      if (this.now >= untilMs) return undefined;
      this.now += 1;
      this.#bringInLater();
    }
  }

  #bringInLater(): void {
    const early = this.#later.get(this.now);
    if (early === undefined) return;
    this.#later.delete(this.now);
    const at = this.now & MASK;
    for (const thing of this.#ring[at] as T[]) early.push(thing);
    this.#ring[at] = early;
  }
}
