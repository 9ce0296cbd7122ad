/**
 * PeakEwma: what a request is expected to take, quick to believe bad news and slow to forget them.
 *
 * A moving average whose weights decay with time and not with the count, and which jumps to every value above it
 * (Finagle's PeakEwma). Unasked, it sinks towards nothing, so that an instance avoided for its slowness is tried again.
 *
 * Invariants: after `observe(x)` the estimate is at least x when x was above it, else between x and what it was; time
 * alone never raises it.
 */
export class PeakEwma {
  readonly #decayMs: number;
  #costMs = 0;
  #stampMs = 0;

  constructor(decayMs: number) {
    this.#decayMs = decayMs;
  }

  observe(elapsedMs: number, now: number): void {
    if (elapsedMs > this.#costMs) this.#costMs = elapsedMs;
    else {
      const kept = this.#kept(now);
      this.#costMs = this.#costMs * kept + elapsedMs * (1 - kept);
    }
    this.#stampMs = now;
  }

  /** The estimate in milliseconds; 0 while nothing is known. */
  at(now: number): number {
    return this.#costMs * this.#kept(now);
  }

  /** Forgets everything. */
  clear(): void {
    this.#costMs = 0;
  }

  #kept(now: number): number {
    return Math.exp(-Math.max(0, now - this.#stampMs) / this.#decayMs);
  }
}
