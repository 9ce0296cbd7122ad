/**
 * StoreWatch: what the name store tells of the owners of all names, followed from the moment it is first of interest, and
 * again when the following breaks. Limit: `storeRetryMs` between two tries.
 */
import type { NameStore } from "@foundation/core/ports";
import { Holdings } from "../../protocol/strong.js";
import type { Wiring } from "../wiring.js";

/** What the owner of the watch is told. */
export interface StoreWatchEvents {
  /** The name has another owner, or none. */
  changed(identity: string): void;
  /** A snapshot came: what is known of all of them may have changed. */
  allChanged(): void;
}

export class StoreWatch {
  readonly holdings = new Holdings();
  readonly #wiring: Wiring;
  readonly #events: StoreWatchEvents;
  readonly #closing = new AbortController();
  #isOpen = false;

  constructor(wiring: Wiring, events: StoreWatchEvents) {
    this.#wiring = wiring;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Begins to follow the store. Idempotent. */
  open(store: NameStore): void {
    if (this.#isOpen || this.#closing.signal.aborted) return;
    this.#isOpen = true;
    void this.#follow(store);
  }

  close(): void {
    this.#closing.abort();
  }

  async #follow(store: NameStore): Promise<void> {
    const { clock, limits, logger } = this.#wiring;
    const { signal } = this.#closing;
    let hasFailed = false;
    while (!signal.aborted) {
      try {
        for await (const event of store.watch(undefined, { signal, initial: true })) {
          hasFailed = false;
          for (const name of this.holdings.apply(event)) this.#events.changed(name);
          if (event.type === "snapshot") this.#events.allChanged();
        }
      } catch (error) {
        // Once for each time it breaks, however often it is tried.
        if (!hasFailed) logger.warn("The name store is not watched; it is tried again", { error });
        hasFailed = true;
      }
      if (signal.aborted) return;
      await clock.sleep(limits.storeRetryMs, { signal }).catch(() => undefined);
    }
  }
}
