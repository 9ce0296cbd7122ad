/**
 * WindowTuner: how large a credit window should be, from what its receiver consumes.
 *
 * A sender with a window of W bytes can move at most W in one round trip. So the window holds a
 * transfer up when the bandwidth-delay product, consumed bytes per second × round trip, comes near
 * it; only then is it doubled (as yamux and QUIC implementations do; TCP's dynamic right-sizing is
 * the ancestor: Fisk and Feng, "Dynamic Right-Sizing in TCP", 2001). On a short way it never grows,
 * however fast the transfer, so that little is queued before a small message.
 *
 * Invariants: a window never shrinks below its initial size and never exceeds its cap; what it grew
 * by is drawn from a shared budget and given back exactly once, by `close`.
 */
import { assert } from "../assert.js";

/** Bytes that all windows of a node may grow by together, beyond their initial sizes. */
export class WindowBudget {
  readonly #bytesMax: number;
  #takenBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** All or nothing. */
  take(bytes: number): boolean {
    if (this.#takenBytes + bytes > this.#bytesMax) return false;
    this.#takenBytes += bytes;
    return true;
  }

  give(bytes: number): void {
    assert(bytes <= this.#takenBytes, "no more is given back than was taken");
    this.#takenBytes -= bytes;
  }
}

export interface WindowTunerOptions {
  readonly initialBytes: number;
  /** The cap. */
  readonly bytesMax: number;
  /**
   * Round trips shorter than this count as none: at half a millisecond, 256 KiB are 512 MB/s.
   */
  readonly roundTripMsMin: number;
}

/** Rates are taken over a round trip, but never over less than this: a burst is no rate. */
const SPAN_MS_MIN = 5;

export class WindowTuner {
  readonly #options: WindowTunerOptions;
  readonly #budget: WindowBudget;
  #windowBytes: number;
  #closed = false;
  /** The shortest round trip seen: queues only lengthen it. */
  #roundTripMs = Number.POSITIVE_INFINITY;
  /** Since when `#spanBytes` are counted. */
  #spanStartMs: number | undefined;
  #spanBytes = 0;

  constructor(options: WindowTunerOptions, budget: WindowBudget) {
    assert(options.initialBytes <= options.bytesMax, "a window starts within its cap");
    this.#options = options;
    this.#budget = budget;
    this.#windowBytes = options.initialBytes;
  }

  get windowBytes(): number {
    return this.#windowBytes;
  }

  /**
   * So many bytes were consumed at `nowMs`. `roundTripMs` is a measured round trip of the way they
   * came, undefined while there is none. True when the window has grown.
   */
  consumed(bytes: number, nowMs: number, roundTripMs: number | undefined): boolean {
    if (roundTripMs !== undefined && roundTripMs < this.#roundTripMs)
      this.#roundTripMs = roundTripMs;
    if (this.#windowBytes >= this.#options.bytesMax || this.#closed) return false;
    if (this.#spanStartMs === undefined) {
      // What came by now was consumed before the span.
      this.#spanStartMs = nowMs;
      return false;
    }
    this.#spanBytes += bytes;
    const spanMs = nowMs - this.#spanStartMs;
    if (spanMs < SPAN_MS_MIN || spanMs < this.#roundTripMs) return false;
    const bytesPerMs = this.#spanBytes / spanMs;
    this.#spanStartMs = nowMs;
    this.#spanBytes = 0;
    if (this.#roundTripMs < this.#options.roundTripMsMin) return false;
    return bytesPerMs * this.#roundTripMs * 2 > this.#windowBytes && this.#grow();
  }

  /** Gives back what the window grew by. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#budget.give(this.#windowBytes - this.#options.initialBytes);
  }

  #grow(): boolean {
    const wanted = Math.min(this.#windowBytes, this.#options.bytesMax - this.#windowBytes);
    if (!this.#budget.take(wanted)) return false;
    this.#windowBytes += wanted;
    assert(this.#windowBytes <= this.#options.bytesMax, "a window stays within its cap");
    return true;
  }
}
