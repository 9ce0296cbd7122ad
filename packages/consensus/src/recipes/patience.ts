/**
 * Patience: how long a caller waits: until its signal fires or its time is up.
 *
 * Requests that change something are not cut short by it, because a cut request has an unknown outcome. They run on, and
 * what they brought is given back: the caller is told at once, the store is tidied after.
 */
import { coreErrors, parseDuration, type Duration } from "@foundation/core";
import type { Clock } from "@foundation/core/ports";

/** How long to wait. */
export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  /** For the whole call. @default no limit */
  readonly timeout?: Duration | undefined;
}

export class Patience {
  readonly #controller = new AbortController();
  readonly #ends: (() => void)[] = [];

  /**
   * @param target names what is waited for, in errors
   * @param closed fires when the recipe is closed, with the error for that
   */
  constructor(clock: Clock, options: WaitOptions, target: string, closed?: AbortSignal) {
    const { signal, timeout } = options;
    if (timeout !== undefined) this.#limit(clock, parseDuration(timeout, "timeout"), target);
    this.#follow(closed, (reason) => reason);
    this.#follow(signal, (reason) => {
      const message = `Waiting for ${target} was aborted by the caller`;
      return coreErrors.ERR_ABORTED(message, { target }, reason);
    });
  }

  /** Fires with the error that the caller gets. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The promise's value. When patience ends first, its error; what comes later is handed to `giveBack`. */
  obtain<T>(promise: Promise<T>, giveBack?: (late: T) => unknown): Promise<T> {
    return orAborted(promise, this.signal, giveBack);
  }

  /** Takes timer and listener away. */
  end(): void {
    for (const end of this.#ends.splice(0)) end();
  }

  #limit(clock: Clock, timeoutMs: number, target: string): void {
    const timer = clock.setTimer(timeoutMs, () => {
      const message = `${target} was not there within ${timeoutMs} ms; allow more time, or see who has it`;
      this.#controller.abort(coreErrors.ERR_TIMEOUT(message, { timeoutMs, target }));
    });
    this.#ends.push(() => timer.cancel());
  }

  #follow(signal: AbortSignal | undefined, errorOf: (reason: unknown) => unknown): void {
    if (signal === undefined) return;
    const abort = () => this.#controller.abort(errorOf(signal.reason));
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    this.#ends.push(() => signal.removeEventListener("abort", abort));
  }
}

/** The promise's value, or the signal's reason, whichever is first. */
export function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  giveBack?: (late: T) => unknown,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let left = false;
    const abort = () => {
      left = true;
      reject(signal.reason as Error);
    };
    const settle = (then: () => void) => {
      signal.removeEventListener("abort", abort);
      then();
    };
    promise.then(
      (value) => settle(() => (left ? giveBack?.(value) : resolve(value))),
      (error: Error) => settle(() => reject(error)),
    );
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}

/** A signal that fires with the first of others, until `end` is called. */
export interface JoinedSignal {
  readonly signal: AbortSignal;
  end(): void;
}

export function joinSignals(...signals: readonly (AbortSignal | undefined)[]): JoinedSignal {
  const controller = new AbortController();
  const ends: (() => void)[] = [];
  for (const signal of signals) {
    if (signal === undefined) continue;
    const abort = () => controller.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    ends.push(() => signal.removeEventListener("abort", abort));
  }
  return {
    signal: controller.signal,
    end: () => {
      for (const end of ends) end();
    },
  };
}
