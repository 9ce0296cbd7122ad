/**
 * Hold: what a holder of a lock or of permits has in its hands.
 *
 * Invariants: `release` takes effect once; `signal` fires only for a loss, never for a release; `isHeld` is judged by the
 * monotonic clock and so is right also in a process that was paused and whose timers have not run yet.
 */
import type { Admission } from "../queue/line.js";

/** Something held under a lease. */
export interface Hold extends AsyncDisposable {
  readonly name: string;
  /**
   * The fencing token: greater than that of every holder before. Send it with every request that the lock protects, and
   * let the receiver refuse older ones (`createFence`).
   */
  readonly token: number;
  /** Fires with `ERR_LEASE_LOST` when the lease is lost: stop what the lock protects. */
  readonly signal: AbortSignal;
  /** Whether it is neither released nor lost, by this process's monotonic clock. */
  readonly isHeld: boolean;
  /** Gives it back; resolves when the next one may have it. Does nothing when it was released or lost. */
  release(): Promise<void>;
}

export class HeldPlace implements Hold {
  readonly name: string;
  readonly #admission: Admission;
  readonly #onReleased: () => void;
  readonly #lost = new AbortController();
  readonly #onLoss: () => void;
  #releasing: Promise<void> | undefined;

  constructor(name: string, admission: Admission, onReleased: () => void) {
    this.name = name;
    this.#admission = admission;
    this.#onReleased = onReleased;
    const { signal } = admission.use.session;
    this.#onLoss = () => this.#lost.abort(signal.reason);
    if (signal.aborted) this.#onLoss();
    else signal.addEventListener("abort", this.#onLoss, { once: true });
  }

  get token(): number {
    return this.#admission.token;
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  get isHeld(): boolean {
    return this.#releasing === undefined && this.#admission.use.session.isAlive;
  }

  release(): Promise<void> {
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #release(): Promise<void> {
    this.#admission.use.session.signal.removeEventListener("abort", this.#onLoss);
    try {
      await this.#admission.leave();
    } finally {
      this.#onReleased();
    }
  }
}
