/**
 * Computations: one computation of a key at a time on this node, however many wait for it.
 *
 * Invariant: a computation that was superseded, because its key was written or deleted since it began, still answers
 * those who waited for it, and nobody who comes later; and it is told that its result must not be kept. The same holds
 * for one that everybody gave up: who comes later is not told of their abort, and does not wait for what may hang.
 */
import { coreErrors, parseDuration, type Clock } from "@foundation/core";
import type { CacheCallOptions } from "../cache.js";
import { COMPUTE_TIMEOUT_MS } from "../limits.js";

type Run<V> = (isCurrent: () => boolean, givenUp: AbortSignal) => Promise<V>;

interface Running<V> {
  readonly promise: Promise<V>;
  readonly controller: AbortController;
  waiting: number;
}

export class Computations<V> {
  readonly #running = new Map<string, Running<V>>();

  get size(): number {
    return this.#running.size;
  }

  /**
   * Runs, or waits for what runs; with `isAlone` it runs for this caller whatever else does.
   * @throws {ERR_TIMEOUT} @throws {ERR_ABORTED} and whatever it throws
   */
  join(
    key: string,
    clock: Clock,
    options: CacheCallOptions,
    run: Run<V>,
    isAlone = false,
  ): Promise<V> {
    const { signal, timeout } = options;
    // Before anything runs that nobody would wait for.
    const timeoutMs =
      timeout === undefined ? COMPUTE_TIMEOUT_MS : parseDuration(timeout, "timeout");
    if (signal?.aborted === true) throw givenUp(key);
    let running = isAlone ? undefined : this.#running.get(key);
    if (running === undefined) {
      const controller = new AbortController();
      const isCurrent = () => this.#running.get(key)?.controller === controller;
      const promise = run(isCurrent, controller.signal).finally(() => {
        if (isCurrent()) this.#running.delete(key);
      });
      running = { promise, controller, waiting: 0 };
      if (!isAlone) this.#running.set(key, running);
    }
    return this.#wait(key, running, timeoutMs, clock, signal);
  }

  supersede(key: string): void {
    this.#running.delete(key);
  }

  supersedeAll(): void {
    this.#running.clear();
  }

  #wait(
    key: string,
    running: Running<V>,
    timeoutMs: number,
    clock: Clock,
    signal: AbortSignal | undefined,
  ): Promise<V> {
    running.waiting += 1;
    return new Promise((resolve, reject) => {
      const end = () => {
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        running.waiting -= 1;
      };
      const giveUp = (error: Error) => {
        end();
        // Nobody is left to want it: who computes may stop.
        if (running.waiting === 0) {
          if (this.#running.get(key) === running) this.#running.delete(key);
          running.controller.abort(error);
        }
        reject(error);
      };
      const onAbort = () => giveUp(givenUp(key));
      const timer = clock.setTimer(timeoutMs, () => {
        const target = targetOf(key);
        const message = `${target} took longer than ${timeoutMs} ms; allow more with \`timeout\``;
        giveUp(coreErrors.ERR_TIMEOUT(message, { timeoutMs, target }));
      });
      signal?.addEventListener("abort", onAbort, { once: true });
      running.promise.then(
        (value) => {
          end();
          resolve(value);
        },
        (error: unknown) => {
          end();
          reject(error as Error);
        },
      );
    });
  }
}

function givenUp(key: string): Error {
  const target = targetOf(key);
  return coreErrors.ERR_ABORTED(`The caller gave up ${target}`, { target });
}

function targetOf(key: string): string {
  return `the computation of "${key.slice(0, 64)}"`;
}
