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

/** setTimeout truncates to whole milliseconds, may be early by a fraction, and overflows after 24.8 days. */
class NodeTimer implements Timer {
  readonly #dueMs: number;
  #handle: NodeJS.Timeout | undefined;

  constructor(
    delayMs: number,
    readonly fn: () => void,
  ) {
    this.#dueMs = performance.now() + Math.max(0, delayMs);
    this.#arm();
  }

  cancel(): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
  }

  #arm(): void {
    const leftMs = Math.ceil(this.#dueMs - performance.now());
    this.#handle = setTimeout(this.#fire, Math.min(leftMs, runtimeLimits.timeoutMsMax));
  }

  readonly #fire = (): void => {
    if (performance.now() < this.#dueMs) return this.#arm();
    this.#handle = undefined;
    this.fn();
  };
}

function aborted(signal: AbortSignal | undefined): Error {
  return coreErrors.ERR_ABORTED("The sleep was aborted", { target: "sleep" }, signal?.reason);
}

const clock = new NodeClock();
