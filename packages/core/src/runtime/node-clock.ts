/**
 * nodeClock: Clock by Node's timers.
 *
 * `endOfTurn` costs one `setImmediate` for a turn, however many functions are queued: an immediate runs after the I/O
 * callbacks of its turn and before the loop waits again, which is what batching needs.
 */
import { performance } from "node:perf_hooks";
import { coreErrors } from "../errors/errors.js";
import type { Clock, Timer } from "../ports/clock.js";
import { runtimeLimits } from "./limits.js";

/** The clock of this machine. All calls give the same one. */
export function nodeClock(): Clock {
  return clock;
}

class NodeClock implements Clock {
  #endOfTurn: (() => void)[] = [];

  now(): number {
    return performance.now();
  }

  wallNow(): number {
    return Date.now();
  }

  setTimer(delayMs: number, fn: () => void): Timer {
    return new NodeTimer(delayMs, fn);
  }

  sleep(delayMs: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(aborted(signal));
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        timer.cancel();
        reject(aborted(signal));
      };
      const timer = new NodeTimer(delayMs, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  endOfTurn(fn: () => void): void {
    if (this.#endOfTurn.push(fn) === 1) setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    const due = this.#endOfTurn;
    this.#endOfTurn = [];
    let done = 0;
    try {
      for (const fn of due) {
        done += 1;
        fn();
      }
    } finally {
      // One that throws ends the process unless somebody listens; if so, the others still run.
      if (done < due.length) {
        for (const fn of due.slice(done)) this.endOfTurn(fn);
      }
    }
  };
}

/**
 * setTimeout truncates to whole milliseconds, counts from when the turn began and so may be early, and overflows after
 * 24.8 days. One that was early is armed again, and those due after it wait behind it: of equal delays, the first set is
 * the first run.
 */
class NodeTimer implements Timer {
  readonly dueMs: number;
  /** It is among the waiting ones. */
  waits = false;
  #handle: NodeJS.Timeout | undefined;

  constructor(
    delayMs: number,
    readonly fn: () => void,
  ) {
    this.dueMs = performance.now() + Math.max(0, delayMs);
    this.#arm(Math.ceil(this.dueMs - performance.now()));
  }

  cancel(): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
    waiting.delete(this);
  }

  #arm(leftMs: number): void {
    this.#handle = setTimeout(this.#fire, Math.min(leftMs, runtimeLimits.timeoutMsMax));
  }

  readonly #fire = (): void => {
    const leftMs = this.dueMs - performance.now();
    if (leftMs > EARLY_MS_MAX) return this.#arm(Math.ceil(leftMs));
    if (leftMs > 0 || !waiting.isNext(this)) {
      waiting.add(this);
      // Equal delays again: Node runs these in the order they are armed.
      return this.#arm(1);
    }
    waiting.delete(this);
    this.#handle = undefined;
    this.fn();
  };
}

/** A native timer that is earlier than this was cut short on purpose. */
const EARLY_MS_MAX = 1_000;

/** Timers that were early, by when they are due. Few, for a millisecond or two. */
class Waiting {
  readonly #timers: NodeTimer[] = [];

  /** True when no other one is due before this one, or was due with it and set earlier. */
  isNext(timer: NodeTimer): boolean {
    const first = this.#timers[0];
    return first === undefined || first === timer || first.dueMs > timer.dueMs;
  }

  add(timer: NodeTimer): void {
    if (timer.waits) return;
    timer.waits = true;
    const after = this.#timers.findLastIndex(({ dueMs }) => dueMs <= timer.dueMs);
    this.#timers.splice(after + 1, 0, timer);
  }

  delete(timer: NodeTimer): void {
    if (!timer.waits) return;
    timer.waits = false;
    if (this.#timers[0] === timer) this.#timers.shift();
    else this.#timers.splice(this.#timers.indexOf(timer), 1);
  }
}

function aborted(signal: AbortSignal | undefined): Error {
  return coreErrors.ERR_ABORTED("The sleep was aborted", { target: "sleep" }, signal?.reason);
}

const waiting = new Waiting();
const clock = new NodeClock();
