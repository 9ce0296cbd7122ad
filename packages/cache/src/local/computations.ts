/**
 * Computations: one computation of a key at a time on this node, however many wait for it.
 *
 * Invariant: a computation that was superseded, because its key was written or deleted since it began, still answers
 * those who waited for it, and nobody who comes later; and it is told that its result must not be kept.
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

  /** Runs, or waits for what runs. @throws {ERR_TIMEOUT} @throws {ERR_ABORTED} and whatever it throws */
  join(key: string, clock: Clock, options: CacheCallOptions, run: Run<V>): Promise<V> {
    let running = this.#running.get(key);
    if (running === undefined) {
      const controller = new AbortController();
      const isCurrent = () => this.#running.get(key)?.controller === controller;
      const promise = run(isCurrent, controller.signal).finally(() => {
        if (isCurrent()) this.#running.delete(key);
      });
      running = { promise, controller, waiting: 0 };
      this.#running.set(key, running);
    }
    return this.#wait(key, running, clock, options);
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
    clock: Clock,
    { signal, timeout }: CacheCallOptions,
  ): Promise<V> {
    const timeoutMs =
      timeout === undefined ? COMPUTE_TIMEOUT_MS : parseDuration(timeout, "timeout");
    running.waiting += 1;
    return new Promise((resolve, reject) => {
      const target = `the computation of "${key.slice(0, 64)}"`;
      const end = () => {
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        running.waiting -= 1;
      };
      const giveUp = (error: Error) => {
        end();
        // Nobody is left to want it: who computes may stop.
        if (running.waiting === 0) running.controller.abort(error);
        reject(error);
      };
      const onAbort = () => {
        giveUp(coreErrors.ERR_ABORTED(`The caller gave up ${target}`, { target }));
      };
      const timer = clock.setTimer(timeoutMs, () => {
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
