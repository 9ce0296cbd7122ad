/**
 * Waiter: one request that somebody waits for: its promise, its deadline and its signal.
 *
 * Invariant: it settles once; after that neither the deadline nor the signal reaches its owner.
 */
import type { Deadlines, Duration } from "@foundation/core";
import { parseDuration } from "@foundation/core";

/** Something of core's table of deadlines. */
type Expiring = Parameters<Deadlines["watch"]>[0];

/** What a waiter asks of the one who keeps it. */
export interface WaiterOwner<W> {
  expired(waiter: W): void;
  aborted(waiter: W): void;
}

export class Waiter<Result> implements Expiring {
  readonly promise: Promise<Result>;
  readonly since: number;
  readonly deadline: number;
  settled = false;
  queued = false;
  readonly #deadlines: Deadlines;
  readonly #signal: AbortSignal | undefined;
  readonly #owner: WaiterOwner<Waiter<Result>>;
  #resolve: (result: Result) => void = nothing;
  #reject: (error: Error) => void = nothing;
  #onAbort: (() => void) | undefined;

  /** `signal` must not have fired yet. */
  constructor(
    deadlines: Deadlines,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    owner: WaiterOwner<Waiter<Result>>,
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#deadlines = deadlines;
    this.#signal = signal;
    this.#owner = owner;
    this.since = deadlines.now();
    this.deadline = this.since + timeoutMs;
    deadlines.watch(this);
    if (!signal) return;
    this.#onAbort = () => this.#owner.aborted(this);
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  get signal(): AbortSignal | undefined {
    return this.#signal;
  }

  /** How long the caller has waited, milliseconds. */
  get waitedMs(): number {
    return this.#deadlines.now() - this.since;
  }

  expire(): void {
    this.#owner.expired(this);
  }

  resolve(result: Result): void {
    this.#settle();
    this.#resolve(result);
  }

  reject(error: Error): void {
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    // One that has expired is settled in the table already.
    if (!this.settled) this.#deadlines.settle(this);
    if (this.#onAbort) this.#signal?.removeEventListener("abort", this.#onAbort);
  }
}

function nothing(): void {}

/** @throws {ERR_INVALID_ARGUMENT} */
export function timeoutMsOf(timeout: Duration | undefined, defaultMs: number): number {
  return timeout === undefined ? defaultMs : parseDuration(timeout, "timeout");
}
