/**
 * Clock: all time in Foundation comes through here, so that a simulation can own it.
 *
 * Guarantees: `now` never goes back. A timer's function runs at most once, never inside the call that set it, and never
 * after `cancel`. Timers of one delay run in the order they were set; where time stands still while a turn runs (a virtual
 * clock), so do all that are due at one instant. `endOfTurn` functions run once, in order, after the current turn's I/O
 * callbacks and before the next turn waits for I/O: batching is built on it.
 */
export interface Clock {
  /** Monotonic milliseconds (fractions allowed) since an origin of its own. For durations and deadlines. */
  now(): number;
  /** Wall-clock milliseconds since 1970. It may be skewed and may jump: for people and hybrid timestamps only. */
  wallNow(): number;
  /** Runs `fn` once, not before `delayMs` have passed. A pending timer keeps the process alive. */
  setTimer(delayMs: number, fn: () => void): Timer;
  /** Resolves after `delayMs`. @throws {ERR_ABORTED} when the signal fires first. */
  sleep(delayMs: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** Runs `fn` when the current turn of the event loop ends. */
  endOfTurn(fn: () => void): void;
}

/** A pending timer. */
export interface Timer {
  /** Prevents the function from running; does nothing when it ran or was cancelled. */
  cancel(): void;
}
