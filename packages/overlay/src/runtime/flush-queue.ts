/**
 * FlushQueue: which links write when a turn ends: those of the most urgent channels first.
 *
 * One function at the end of a turn serves all links, however many have something to write.
 */
import type { Clock } from "@foundation/core";
import type { Priority } from "../channel-options.js";

/** What can be flushed. */
export interface Flushable {
  readonly priority: Priority;
  flush(): void;
}

export class FlushQueue {
  readonly #clock: Clock;
  /** By priority; a flushable is in at most once: it remembers that itself. */
  #due: [Flushable[], Flushable[], Flushable[], Flushable[]] = [[], [], [], []];
  #armed = false;
  readonly #run = () => this.#flushAll();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(link: Flushable): void {
    this.#due[link.priority].push(link);
    if (this.#armed) return;
    this.#armed = true;
    this.#clock.endOfTurn(this.#run);
  }

  #flushAll(): void {
    this.#armed = false;
    const due = this.#due;
    this.#due = [[], [], [], []];
    let failure: { readonly thrown: unknown } | undefined;
    for (let priority = 3; priority >= 0; priority -= 1) {
      for (const link of due[priority as Priority]) {
        try {
          link.flush();
        } catch (thrown) {
          // A bug of ours; the links behind it shall not wait for ever because of it.
          failure ??= { thrown };
        }
      }
    }
    if (failure !== undefined) throw failure.thrown;
  }
}
