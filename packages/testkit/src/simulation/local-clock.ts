/**
 * LocalClock: a boot's own clock, whose oscillator may run fast, slow, or not at all while its host is suspended.
 *
 * Its timers fire by it: a change of the rate moves those that are pending. The operating system's own timeouts and the
 * network go by the world's clock.
 *
 * Invariant: `now` never goes back, and when a timer fires it has reached the time the timer was set for.
 */
import { coreErrors } from "@foundation/core";
import type { Clock, Timer } from "@foundation/core/ports";
import type { Boot } from "./boot.js";

interface LocalTimer {
  /** By this clock. */
  readonly dueMs: number;
  readonly fn: () => void;
  timer: Timer | undefined;
}

export class LocalClock implements Clock {
  readonly #boot: Boot;
  readonly #pending = new Set<LocalTimer>();
  /** False until the rate changes for the first time: this clock is the world's. */
  #differs = false;
  #rate = 1;
  #stands = false;
  /** Where both clocks stood when the rate changed last. */
  #localMs = 0;
  #worldMs = 0;
  /** What this clock has reached, where arithmetic says a trifle less. */
  #reachedMs = 0;

  constructor(boot: Boot) {
    this.#boot = boot;
  }

  now(): number {
    const worldMs = this.#boot.world.clock.now();
    if (!this.#differs) return worldMs;
    const passedMs = (worldMs - this.#worldMs) * this.#speed;
    return Math.max(this.#reachedMs, this.#localMs + passedMs);
  }

  wallNow(): number {
    return this.#boot.world.clock.wallNow() + this.#boot.wallSkewMs();
  }

  /** @param rate milliseconds of this clock in one of the world's */
  setRate(rate: number): void {
    if (rate === this.#rate) return;
    this.#change(() => {
      this.#rate = rate;
    });
  }

  /** Stops it, as a suspended host's does, or lets it go on. */
  stand(stands: boolean): void {
    if (stands === this.#stands) return;
    this.#change(() => {
      this.#stands = stands;
    });
  }

  setTimer(delayMs: number, fn: () => void): Timer {
    const pending: LocalTimer = {
      dueMs: this.now() + Math.max(0, delayMs),
      fn,
      timer: undefined,
    };
    this.#pending.add(pending);
    // Not from `dueMs`: a difference of sums is not the delay, to the last bit.
    this.#arm(pending, this.#differs ? delayMs / this.#speed : delayMs);
    return {
      cancel: () => {
        this.#pending.delete(pending);
        pending.timer?.cancel();
      },
    };
  }

  sleep(delayMs: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    const signal = options?.signal;
    return new Promise((resolve, reject) => {
      const abort = () => {
        timer.cancel();
        const details = { target: "sleep" };
        reject(coreErrors.ERR_ABORTED("The sleep was aborted", details, signal?.reason));
      };
      const timer = this.setTimer(delayMs, () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      });
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
  }

  endOfTurn(fn: () => void): void {
    const boot = this.#boot;
    boot.world.clock.endOfTurn(() => boot.io(fn));
  }

  get #speed(): number {
    return this.#stands ? 0 : this.#rate;
  }

  #arm(pending: LocalTimer, delayMs: number): void {
    if (this.#stands) return;
    pending.timer = this.#boot.timer(delayMs, () => {
      this.#pending.delete(pending);
      if (this.#differs) this.#reachedMs = Math.max(this.#reachedMs, pending.dueMs);
      pending.fn();
    });
  }

  #change(apply: () => void): void {
    const nowMs = this.now();
    apply();
    this.#differs = true;
    this.#localMs = nowMs;
    this.#reachedMs = nowMs;
    this.#worldMs = this.#boot.world.clock.now();
    for (const pending of this.#pending) {
      // What is due already waits for its turn, or for the end of a pause.
      if (pending.dueMs <= nowMs && pending.timer) continue;
      pending.timer?.cancel();
      pending.timer = undefined;
      this.#arm(pending, (pending.dueMs - nowMs) / this.#speed);
    }
  }
}
