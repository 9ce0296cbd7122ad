/**
 * Patience: how long a caller waits, as a deadline and a signal that fires at it.
 *
 * One operation may take several requests; each gets what is left of the time.
 */
import { setMaxListeners } from "node:events";
import { coreErrors, type Clock, type Timer } from "@foundation/core";

/** Operations that may wait on one signal before Node warns of a leak: a drain hands many children over at once. */
const LISTENERS_MAX = 1_500;

/** The time an operation has. Dispose of it with `end`. What nobody asks for is not made: neither signal nor timer. */
export class Patience {
  /** What the caller passed. */
  readonly callerSignal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  #timer: Timer | undefined;
  #controller: AbortController | undefined;
  readonly #onAbort = () => this.#controller?.abort(this.callerSignal?.reason);
  #expired = false;
  #ended = false;

  constructor(clock: Clock, timeoutMs: number, signal: AbortSignal | undefined) {
    this.#clock = clock;
    this.timeoutMs = timeoutMs;
    this.callerSignal = signal;
    this.#deadlineMs = clock.now() + timeoutMs;
  }

  /** Fires when the time is up or the caller gave up. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.callerSignal?.aborted) this.#onAbort();
      else if (!this.#ended) this.#watch();
    }
    return this.#controller.signal;
  }

  /** True when the time was up, not when the caller gave up. */
  get expired(): boolean {
    return this.#expired;
  }

  remainingMs(): number {
    return Math.max(0, this.#deadlineMs - this.#clock.now());
  }

  /** For each round of a loop: its pauses do not wait any more once the signal has fired. @throws {ERR_ABORTED} */
  check(target: string): void {
    if (this.callerSignal?.aborted === true) {
      throw coreErrors.ERR_ABORTED(`The caller gave up before ${target} began`, { target });
    }
    if (!this.#expired) return;
    throw coreErrors.ERR_ABORTED(`The time was up before ${target} was done`, { target });
  }

  /** Ends the timer and the listener. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
    if (this.#controller !== undefined) {
      this.callerSignal?.removeEventListener("abort", this.#onAbort);
    }
  }

  #watch(): void {
    this.#timer = this.#clock.setTimer(this.remainingMs(), () => {
      this.#expired = true;
      this.#controller?.abort();
    });
    if (this.callerSignal === undefined) return;
    if (this.callerSignal instanceof EventTarget) {
      setMaxListeners(LISTENERS_MAX, this.callerSignal);
    }
    this.callerSignal.addEventListener("abort", this.#onAbort, { once: true });
  }
}
