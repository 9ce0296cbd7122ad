/**
 * Deadlines: many calls that wait for a reply, one timer.
 *
 * Why no timer per call: most calls are answered before the event loop turns. Only those that are
 * not enter the queue, at the end of the turn, and one timer stands for the earliest of them.
 *
 * Invariants: an entry expires at most once, never after it was settled and never inside `watch`;
 * when nothing waits there is no timer, so nothing keeps the process alive.
 */
import type { Clock, Timer } from "../ports/clock.js";
import { DeadlineQueue, type Waiting } from "./protocol/deadline-queue.js";

/** Something that waits; `settled` and `queued` belong to Deadlines and begin as false. */
export interface Expiring extends Waiting {
  /** True once it is in the queue. */
  queued: boolean;
  /** Called when the time is up; the entry is settled already. */
  expire(): void;
}

/** The calls of one clock that wait. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #queue = new DeadlineQueue<Expiring>();
  readonly #admit = () => this.#endOfTurn();
  #fresh: Expiring[] = [];
  #timer: Timer | undefined = undefined;
  #timerDueMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  /** Expires the entry at its deadline, unless it is settled before. */
  watch(entry: Expiring): void {
    this.#fresh.push(entry);
    if (this.#fresh.length === 1) this.#clock.endOfTurn(this.#admit);
  }

  /** The entry waits no more. */
  settle(entry: Expiring): void {
    if (!entry.queued) {
      entry.settled = true;
      return;
    }
    this.#queue.settle(entry);
    if (this.#queue.live === 0) this.#arm();
  }

  /** Whoever has no answer by now really waits. */
  #endOfTurn(): void {
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const entry of fresh) {
      if (entry.settled) continue;
      entry.queued = true;
      this.#queue.add(entry);
    }
    this.#arm();
  }

  #arm(): void {
    const earliest = this.#queue.earliest;
    if (this.#timer !== undefined && earliest === this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (earliest === undefined) return;
    this.#timerDueMs = earliest;
    const leftMs = Math.max(0, earliest - this.#clock.now());
    this.#timer = this.#clock.setTimer(leftMs, () => this.#expire());
  }

  #expire(): void {
    this.#timer = undefined;
    for (const entry of this.#queue.takeDue(this.#clock.now())) entry.expire();
    this.#arm();
  }
}
