/**
 * Deadlines: many waiting calls, few timers.
 *
 * A timer for each call would cost more than the call. Calls with the same timeout fall due in the
 * order they began, so one list and one timer for each distinct timeout serve them all.
 *
 * Invariants: an entry expires at most once, and never after it was removed; a list without
 * entries has no timer, so nothing keeps the process alive.
 * Limit: lists are as many as there are distinct timeouts in use at one time.
 */
import type { Clock, Timer } from "@foundation/core";

/** Something that waits. */
export interface Expiring {
  /** Called when the time is up, unless the entry was removed. */
  expire(): void;
}

interface List {
  /** Entries in the order they fall due, each with the time it does. */
  readonly entries: Map<Expiring, number>;
  timer: Timer | undefined;
}

/** A set of deadlines on one clock. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #lists = new Map<number, List>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Expires the entry after `timeoutMs`. */
  add(entry: Expiring, timeoutMs: number): void {
    let list = this.#lists.get(timeoutMs);
    if (list === undefined) {
      list = { entries: new Map(), timer: undefined };
      this.#lists.set(timeoutMs, list);
    }
    list.entries.set(entry, this.#clock.now() + timeoutMs);
    if (list.timer === undefined) this.#arm(list, timeoutMs, timeoutMs);
  }

  /** Forgets the entry; `timeoutMs` as it was added. */
  remove(entry: Expiring, timeoutMs: number): void {
    // The timer stays: the next call with this timeout will want one again, and `#fire` ends it.
    this.#lists.get(timeoutMs)?.entries.delete(entry);
  }

  /** Forgets everything and cancels the timers. */
  clear(): void {
    for (const list of this.#lists.values()) list.timer?.cancel();
    this.#lists.clear();
  }

  #arm(list: List, timeoutMs: number, delayMs: number): void {
    list.timer = this.#clock.setTimer(delayMs, () => this.#fire(list, timeoutMs));
  }

  #fire(list: List, timeoutMs: number): void {
    list.timer = undefined;
    const now = this.#clock.now();
    for (const [entry, dueMs] of list.entries) {
      if (dueMs > now) return this.#arm(list, timeoutMs, dueMs - now);
      list.entries.delete(entry);
      entry.expire();
    }
    if (list.entries.size === 0 && list.timer === undefined) this.#lists.delete(timeoutMs);
  }
}
