/**
 * Patience: how long a caller waits, as a deadline and a signal that fires at it.
 *
 * One operation may take several requests; each gets what is left of the time.
 */
import { coreErrors, type Clock, type Timer } from "@foundation/core";

/** The time an operation has. Dispose of it with `end`. */
export class Patience {
  /** Fires when the time is up or the caller gave up. */
  readonly signal: AbortSignal;
  /** What the caller passed. */
  readonly callerSignal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #timer: Timer;
  readonly #controller = new AbortController();
  readonly #onAbort = () => this.#controller.abort(this.callerSignal?.reason);
  #expired = false;

  constructor(clock: Clock, timeoutMs: number, signal: AbortSignal | undefined) {
    this.#clock = clock;
    this.timeoutMs = timeoutMs;
    this.callerSignal = signal;
    this.signal = this.#controller.signal;
    this.#deadlineMs = clock.now() + timeoutMs;
    this.#timer = clock.setTimer(timeoutMs, () => {
      this.#expired = true;
      this.#controller.abort();
    });
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** True when the time was up, not when the caller gave up. */
  get expired(): boolean {
    return this.#expired;
  }

  remainingMs(): number {
    return Math.max(0, this.#deadlineMs - this.#clock.now());
  }

  /** @throws {ERR_ABORTED} when the caller gave up already */
  check(target: string): void {
    if (!this.signal.aborted) return;
    throw coreErrors.ERR_ABORTED(`The caller gave up before ${target} began`, { target });
  }

  /** Ends the timer and the listener. */
  end(): void {
    this.#timer.cancel();
    this.callerSignal?.removeEventListener("abort", this.#onAbort);
  }
}
