/**
 * LinkEvents: tells membership what happens to links, in order, and never inside a call that
 * membership makes itself.
 */
import type { LinkEvent } from "../membership/link-layer.js";

export class LinkEvents {
  readonly #listeners = new Set<(event: LinkEvent) => void>();
  readonly #queue: LinkEvent[] = [];
  #calls = 0;
  #draining = false;

  on(listener: (event: LinkEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: LinkEvent): void {
    this.#queue.push(event);
    if (this.#calls === 0) this.#drain();
  }

  /** Runs a call of membership's; what happens in it is told after the caller has returned. */
  during<T>(call: () => T): T {
    this.#calls += 1;
    try {
      return call();
    } finally {
      this.#calls -= 1;
      if (this.#calls === 0 && this.#queue.length > 0)
        void Promise.resolve().then(() => this.#drain());
    }
  }

  #drain(): void {
    if (this.#draining || this.#calls > 0) return;
    this.#draining = true;
    try {
      while (this.#queue.length > 0) {
        const event = this.#queue.shift() as LinkEvent;
        for (const listener of this.#listeners) listener(event);
      }
    } finally {
      this.#draining = false;
    }
  }
}
