/**
 * LocalClock: a boot's own clock, whose oscillator may run fast, slow, or not at all while its host is suspended.
 *
 * Its timers fire by it: a change of the rate moves those that are pending. The operating system's own timeouts and the
 * network go by the world's clock.
 *
 * Invariant: `now` never goes back, and when a timer fires it has reached the time the timer was set for.
 */
import type { Clock, Timer } from "@foundation/core/ports";
import { sleepBy } from "@foundation/core/testing";
import type { Boot } from "./boot.js";

export class LocalClock implements Clock {
  readonly #boot: Boot;
  readonly #pending = new Pending();
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
    const timer = new LocalTimer(this, this.now() + Math.max(0, delayMs), fn);
    this.#pending.add(timer);
    // Not from `dueMs`: a difference of sums is not the delay, to the last bit.
    this.#arm(timer, this.#differs ? delayMs / this.#speed : delayMs);
    return timer;
  }

  /** For its timers alone: this one is over. */
  remove(timer: LocalTimer): void {
    this.#pending.remove(timer);
  }

  /** For its timers alone: this one fires. */
  reached(dueMs: number): void {
    if (this.#differs) this.#reachedMs = Math.max(this.#reachedMs, dueMs);
  }

  sleep(delayMs: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    return sleepBy(this, delayMs, options);
  }

  endOfTurn(fn: () => void): void {
    const boot = this.#boot;
    boot.world.clock.endOfTurn(() => boot.io(fn));
  }

  get #speed(): number {
    return this.#stands ? 0 : this.#rate;
  }

  #arm(timer: LocalTimer, delayMs: number): void {
    if (!this.#stands) timer.armed = this.#boot.timer(delayMs, () => timer.fire());
  }

  #change(apply: () => void): void {
    const nowMs = this.now();
    apply();
    this.#differs = true;
    this.#localMs = nowMs;
    this.#reachedMs = nowMs;
    this.#worldMs = this.#boot.world.clock.now();
    for (const timer of this.#pending) {
      // What is due already waits for its turn, or for the end of a pause.
      if (timer.dueMs <= nowMs && timer.armed) continue;
      timer.armed?.cancel();
      timer.armed = undefined;
      this.#arm(timer, (timer.dueMs - nowMs) / this.#speed);
    }
  }
}

/** A timer by a local clock. */
class LocalTimer implements Timer {
  /** The timer of the world that fires it; none while the clock stands. */
  armed: Timer | undefined;
  /** Its neighbours among the pending ones, while it is one. */
  previous: LocalTimer | undefined;
  next: LocalTimer | undefined;
  #isPending = true;

  constructor(
    readonly clock: LocalClock,
    /** By the local clock. */
    readonly dueMs: number,
    readonly fn: () => void,
  ) {}

  fire(): void {
    this.#end();
    this.clock.reached(this.dueMs);
    this.fn();
  }

  cancel(): void {
    this.#end();
    this.armed?.cancel();
  }

  #end(): void {
    if (!this.#isPending) return;
    this.#isPending = false;
    this.clock.remove(this);
  }
}

/** Timers in the order they were set; a linked list, because each timer of a simulation comes and goes here. */
class Pending {
  #first: LocalTimer | undefined;
  #last: LocalTimer | undefined;

  add(timer: LocalTimer): void {
    timer.previous = this.#last;
    if (this.#last) this.#last.next = timer;
    else this.#first = timer;
    this.#last = timer;
  }

  remove(timer: LocalTimer): void {
    const { previous, next } = timer;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    // Somebody may hold on to this one, and must not hold on to all that were its neighbours.
    timer.previous = undefined;
    timer.next = undefined;
  }

  *[Symbol.iterator](): Generator<LocalTimer> {
    for (let timer = this.#first; timer; timer = timer.next) yield timer;
  }
}
