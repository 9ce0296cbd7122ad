/**
 * DeadlineTimer: one timer for any number of deadlines.
 *
 * Most requests are answered long before their deadline, so the timer is set for the earliest
 * deadline seen and not moved when that request is settled; when it fires it asks when the next one
 * is due.
 *
 * What is due ends when the turn ends, not in the timer itself: after a stall of the event loop
 * timers run before what the sockets hold is read, and a reply that came in time must not lose
 * against our own lateness.
 */
import type { Clock, Timer } from "@foundation/core";
import { RPC } from "../limits.js";

export class DeadlineTimer {
  readonly #clock: Clock;
  readonly #due: (now: number) => number | undefined;
  #timer: Timer | undefined;
  #at = Number.POSITIVE_INFINITY;
  #closed = false;

  /** @param due handles what is due and answers the next deadline, if there is one */
  constructor(clock: Clock, due: (now: number) => number | undefined) {
    this.#clock = clock;
    this.#due = due;
  }

  /** Makes sure that the timer fires no later than `deadline` and the granularity. */
  arm(deadline: number, now: number): void {
    if (deadline >= this.#at) return;
    this.#timer?.cancel();
    this.#at = Math.max(deadline, now + RPC.deadlineGranularityMs);
    this.#timer = this.#clock.setTimer(this.#at - now, () => this.#onTimer());
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#at = Number.POSITIVE_INFINITY;
    this.#clock.endOfTurn(() => this.#expire());
  }

  #expire(): void {
    if (this.#closed) return;
    const next = this.#due(this.#clock.now());
    if (next !== undefined) this.arm(next, this.#clock.now());
  }
}
