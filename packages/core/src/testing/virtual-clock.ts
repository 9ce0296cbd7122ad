/**
 * VirtualClock: the twin of Clock whose time moves only when a test says so.
 *
 * Between two timers every promise reaction, `nextTick` and `endOfTurn` function runs, so an `await` in the code under
 * test never depends on how fast the machine is. Settling is done by `setImmediate`, which runs after all microtasks;
 * no real time passes. An error thrown by a timer or an `endOfTurn` function fails the `advance` that ran it.
 *
 * Invariant: `now` never goes back, and every function runs inside `advance`, `settle` or `run`.
 */
import { setImmediate as setNodeImmediate } from "node:timers";
import { coreErrors } from "../errors/errors.js";
import type { Clock, Timer } from "../ports/clock.js";
import { testingLimits } from "./limits.js";
import { Restlessness } from "./restlessness.js";
import { sleepBy } from "./sleep-by.js";
import { TimerHeap } from "./timer-heap.js";

/** Kept at hand: a simulation takes Node's timers from the code of its nodes, and this is not theirs. */
const immediate = setNodeImmediate;

/** A clock for tests; see `virtualClock`. */
export interface VirtualClock extends Clock {
  /** Lets `ms` milliseconds pass: runs what falls due, in order, and settles after each. */
  advance(ms: number): Promise<void>;
  /** Lets time pass until `now()` is `nowMs`; does nothing when it is past already. */
  advanceTo(nowMs: number): Promise<void>;
  /** Runs promise reactions and `endOfTurn` functions until none is left. No time passes, no timer runs. */
  settle(): Promise<void>;
  /**
   * Lets time pass from timer to timer until the promise settles, and gives its result.
   * @throws {ERR_TIMEOUT} when it is still pending after `withinMs` (default 60 000) or no timer is left.
   */
  run<T>(promise: Promise<T>, options?: { readonly withinMs?: number }): Promise<T>;
  /** Moves the wall clock only: skew or a jump, in milliseconds from where it would be. */
  skewWall(offsetMs: number): void;
  /** How many timers will still run. */
  readonly pendingTimers: number;
}

export interface VirtualClockOptions {
  /** What `now()` gives at first. @default 0 */
  readonly startMs?: number;
  /** What `wallNow()` gives at first. @default 1_700_000_000_000 */
  readonly wallStartMs?: number;
}

/**
 * A clock whose time moves only by `advance`.
 *
 * @example
 * ```ts
 * import { virtualClock } from "@foundation/core/testing"
 *
 * const clock = virtualClock()
 * let rang = false
 * clock.setTimer(5_000, () => { rang = true })
 * await clock.advance(5_000)
 * console.log(rang, clock.now()) // true 5000
 * ```
 */
export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  return new HeapClock(options);
}

class HeapClock implements VirtualClock {
  readonly #timers = new TimerHeap();
  readonly #wallStartMs: number;
  #nowMs: number;
  #startMs: number;
  #wallOffsetMs = 0;
  #endOfTurn: (() => void)[] = [];
  /** Rounds of end-of-turn functions since the last timer. */
  #rounds = 0;
  /** Timers that ran since time passed. */
  #events = 0;
  readonly #restless = new Restlessness();

  constructor(options: VirtualClockOptions) {
    this.#startMs = options.startMs ?? 0;
    this.#nowMs = this.#startMs;
    this.#wallStartMs = options.wallStartMs ?? 1_700_000_000_000;
  }

  get pendingTimers(): number {
    return this.#timers.pending;
  }

  now(): number {
    return this.#nowMs;
  }

  wallNow(): number {
    return this.#wallStartMs + (this.#nowMs - this.#startMs) + this.#wallOffsetMs;
  }

  skewWall(offsetMs: number): void {
    this.#wallOffsetMs = offsetMs;
  }

  setTimer(delayMs: number, fn: () => void): Timer {
    const dueMs = this.#nowMs + Math.max(0, delayMs);
    if (dueMs === this.#nowMs) this.#restless.ask(this.#events, this.setTimer);
    return this.#timers.add(dueMs, fn);
  }

  sleep(delayMs: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    return sleepBy(this, delayMs, options);
  }

  endOfTurn(fn: () => void): void {
    this.#restless.ask(this.#rounds, this.endOfTurn);
    this.#endOfTurn.push(fn);
  }

  settle(): Promise<void> {
    return inTurns(() => this.#runEndOfTurn());
  }

  advance(ms: number): Promise<void> {
    return this.advanceTo(this.#nowMs + ms);
  }

  advanceTo(nowMs: number): Promise<void> {
    return inTurns(() => {
      if (this.#runEndOfTurn()) return true;
      const timer = this.#timers.takeDue(nowMs);
      this.#pass(timer?.dueMs ?? nowMs);
      if (!timer) return false;
      this.#events += 1;
      if (this.#events > testingLimits.settleRoundsMax) {
        this.#events = 0;
        throw this.#restless.error("timers of 0 ms");
      }
      timer.run();
      return true;
    });
  }

  async run<T>(promise: Promise<T>, options?: { readonly withinMs?: number }): Promise<T> {
    const withinMs = options?.withinMs ?? 60_000;
    const untilMs = this.#nowMs + withinMs;
    let pending = true;
    const done = () => {
      pending = false;
    };
    promise.then(done, done);
    await this.settle();
    while (pending) {
      const dueMs = this.#timers.nextDueMs();
      if (dueMs === undefined || dueMs > untilMs) {
        const why = dueMs === undefined ? "no timer is left that could settle it" : "time is up";
        throw coreErrors.ERR_TIMEOUT(
          `The promise was still pending at ${this.#nowMs} ms of virtual time: ${why}`,
          { timeoutMs: withinMs, target: "run" },
        );
      }
      await this.advanceTo(dueMs);
    }
    return promise;
  }

  /** Time is at least so late now. */
  #pass(nowMs: number): void {
    if (nowMs <= this.#nowMs) return;
    this.#nowMs = nowMs;
    this.#events = 0;
    this.#restless.rest();
  }

  /** Runs the functions of the turn that has ended; false when there were none. */
  #runEndOfTurn(): boolean {
    if (this.#endOfTurn.length === 0) {
      this.#rounds = 0;
      return false;
    }
    this.#rounds += 1;
    if (this.#rounds > testingLimits.settleRoundsMax) {
      this.#rounds = 0;
      throw this.#restless.error("endOfTurn functions");
    }
    const due = this.#endOfTurn;
    this.#endOfTurn = [];
    for (const fn of due) fn();
    return true;
  }
}

/**
 * Calls `step` again and again until it answers false; before each call, and at the end, every promise reaction and
 * `nextTick` that is ready has run, and those they made ready.
 *
 * Node drains both queues between two immediates. Several are set at once because a pass of the event loop, which a
 * single one needs, costs as much as ten of them.
 */
function inTurns(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let batch = 1;
    let waiting = 0;
    let over = false;
    const schedule = () => {
      for (; waiting < batch; waiting += 1) immediate(turn);
      batch = Math.min(2 * batch, testingLimits.turnsAtOnceMax);
    };
    const turn = () => {
      waiting -= 1;
      if (over) return;
      try {
        over = !step();
        if (over) resolve();
        else if (waiting === 0) schedule();
      } catch (error) {
        over = true;
        reject(error as Error);
      }
    };
    schedule();
  });
}
