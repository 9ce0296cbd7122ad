/**
 * RecentGrowth: how much a count that only grows has grown in the last window, from samples taken now and then.
 *
 * Invariant: it keeps one sample that is as old as the window or older, and no others that are; so it holds as many as
 * are taken in one window, and one more.
 */
interface Sample {
  readonly atMs: number;
  readonly total: number;
}

export class RecentGrowth {
  readonly #windowMs: number;
  readonly #samples: Sample[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Remembers the count at an instant. */
  sample(atMs: number, total: number): void {
    this.#samples.push({ atMs, total });
    this.#forget(atMs);
  }

  /** The growth up to now, and the time in which it happened. */
  upTo(nowMs: number, total: number): { readonly count: number; readonly overMs: number } {
    this.#forget(nowMs);
    const { atMs, total: before } = this.#samples[0] ?? { atMs: nowMs, total };
    return { count: total - before, overMs: nowMs - atMs };
  }

  #forget(nowMs: number): void {
    const isOldEnough = ({ atMs }: Sample) => nowMs - atMs >= this.#windowMs;
    while (this.#samples[1] !== undefined && isOldEnough(this.#samples[1])) this.#samples.shift();
  }
}
