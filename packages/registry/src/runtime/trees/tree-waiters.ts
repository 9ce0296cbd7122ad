/**
 * TreeWaiters: those who asked something of a child of a tree and wait until it is so.
 *
 * The run of a tree only ever compares what is with what shall be; who asked for it is kept here, so that deciding knows of
 * no caller.
 *
 * Invariants: each waiter is answered once; a child with a step under way answers nobody, since what it is now is not what
 * it will be.
 */
import type { ChildStatus } from "@foundation/core";

/** Somebody who waits until a child is up, or down, or forgotten. */
interface Waiter {
  readonly id: string;
  readonly until: "up" | "down" | "gone";
  resolve(): void;
  reject(error: unknown): void;
}

export class TreeWaiters {
  readonly #waiters = new Set<Waiter>();

  /** Resolves when the child is so. */
  until(id: string, until: Waiter["until"]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.add({ id, until, resolve, reject });
    });
  }

  /** Answers those whose child is now as they want it. */
  settle(statusOf: (id: string) => ChildStatus | undefined, isBusy: (id: string) => boolean): void {
    for (const waiter of this.#waiters) {
      const status = statusOf(waiter.id) ?? "gone";
      const isOver = status === waiter.until || (status === "gone" && waiter.until === "down");
      if (!isOver || isBusy(waiter.id)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** It did not start. */
  rejectStarter(id: string, error: unknown): void {
    for (const waiter of this.#waiters) {
      if (waiter.id !== id || waiter.until !== "up") continue;
      this.#waiters.delete(waiter);
      waiter.reject(error);
    }
  }

  /** Nothing is done any more. */
  rejectAll(error: unknown): void {
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
  }
}
