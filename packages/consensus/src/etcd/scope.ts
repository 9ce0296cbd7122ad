/**
 * Scope: how long something may go on: until its time is over, its caller gives up, or the engine is closed.
 *
 * Why it exists: an AbortSignal and a timer on every step of a request (find an endpoint, get a token, call, pause) would
 * be eight listeners; here it is one of each, and whoever waits is told once.
 *
 * Invariants: it ends once; who listens is told at most once, and never after taking the listener back.
 */
import type { Clock, Timer } from "@foundation/core/ports";

export type ScopeEnd = "late" | "aborted" | "closed";

export interface ScopeOptions {
  readonly clock: Clock;
  /** Undefined: as long as it takes. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class Scope {
  readonly clock: Clock;
  readonly startedMs: number;
  readonly timeoutMs: number | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.end("aborted");
  readonly #listeners = new Set<() => void>();
  #timer: Timer | undefined;
  #ended: ScopeEnd | undefined;

  constructor({ clock, timeoutMs, signal }: ScopeOptions) {
    this.clock = clock;
    this.startedMs = clock.now();
    this.timeoutMs = timeoutMs;
    this.#signal = signal;
    if (signal?.aborted === true) {
      this.#ended = "aborted";
      return;
    }
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (timeoutMs !== undefined) this.#timer = clock.setTimer(timeoutMs, () => this.end("late"));
  }

  get ended(): ScopeEnd | undefined {
    return this.#ended;
  }

  /** Infinity without an end. */
  get remainingMs(): number {
    if (this.timeoutMs === undefined) return Infinity;
    return Math.max(0, this.startedMs + this.timeoutMs - this.clock.now());
  }

  get passedMs(): number {
    return Math.round(this.clock.now() - this.startedMs);
  }

  /** Gives the function that takes the listener back. Told at once when it has ended. */
  onEnd(listener: () => void): () => void {
    if (this.#ended !== undefined) {
      listener();
      return () => {};
    }
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  end(how: ScopeEnd): void {
    if (this.#ended !== undefined) return;
    this.#ended = how;
    this.release();
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }

  /** What it was for is over: no timer, no listener of the signal is left. */
  release(): void {
    this.#timer?.cancel();
    this.#signal?.removeEventListener("abort", this.#onAbort);
  }

  /** What the promise gives; undefined when the scope ends first. */
  async until<T>(promise: Promise<T>): Promise<T | undefined> {
    return await new Promise<T | undefined>((resolve, reject) => {
      const leave = this.onEnd(() => resolve(undefined));
      promise.then(
        (value) => {
          leave();
          resolve(value);
        },
        (error: unknown) => {
          leave();
          reject(error as Error);
        },
      );
    });
  }

  /** Returns after so long, or when the scope ends. */
  async pause(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.clock.setTimer(delayMs, () => {
        leave();
        resolve();
      });
      const leave = this.onEnd(() => {
        timer.cancel();
        resolve();
      });
    });
  }
}
