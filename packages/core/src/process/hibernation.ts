/**
 * Hibernation: the state of a process nobody talks to is kept as bytes, which take less memory than objects.
 *
 * Whoever goes idle only notes the time; one queue of all such processes, with one timer, finds out later
 * who has been idle long enough. So a busy process pays nothing for being allowed to sleep.
 *
 * Invariants: a process stands in the queue at most once; only one at rest, with no message and not held,
 * is put to sleep; a state that is not plain data stays awake, with one line in the log.
 */
import type { Clock } from "../ports/clock.js";
import type { Logger } from "../ports/logger.js";
import type { Deadlines, Expiring } from "./deadlines.js";
import type { KernelCounters } from "./kernel-counters.js";
import type { LocalProcess } from "./local-process.js";
import type { StateCopies } from "./state-copies.js";

/** What sleepers need of the kernel. */
export interface Bedroom {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: KernelCounters;
  readonly copies: StateCopies;
  readonly deadlines: Deadlines;
}

/** One process that is put to sleep when it is idle for long. */
export class Sleeper implements Expiring {
  deadline = 0;
  settled = true;
  queued = false;
  readonly #process: LocalProcess;
  readonly #afterMs: number;
  readonly #room: Bedroom;
  #idleSinceMs = 0;
  #mayNot = false;

  constructor(process: LocalProcess, afterMs: number, room: Bedroom) {
    this.#process = process;
    this.#afterMs = afterMs;
    this.#room = room;
  }

  /** The process has nothing to do. */
  idle(): void {
    this.#idleSinceMs = this.#room.clock.now();
    if (this.settled && !this.#mayNot) this.#wait();
  }

  /** The process ended. */
  stop(): void {
    this.#mayNot = true;
    if (!this.settled) this.#room.deadlines.settle(this);
  }

  expire(): void {
    const { phase, hold } = this.#process;
    if (phase !== "idle" || hold !== undefined) return;
    if (this.#idleSinceMs + this.#afterMs > this.#room.clock.now()) this.#wait();
    else this.#putAway();
  }

  #wait(): void {
    this.deadline = this.#idleSinceMs + this.#afterMs;
    this.settled = false;
    this.queued = false;
    this.#room.deadlines.watch(this);
  }

  #putAway(): void {
    const { copies, counters, logger } = this.#room;
    try {
      copies.putAway(this.#process);
      counters.hibernated();
    } catch (error) {
      this.#mayNot = true;
      logger.warn(`${this.#process.title} cannot hibernate and stays awake`, { cause: error });
    }
  }
}
