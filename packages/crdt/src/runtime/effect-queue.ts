/**
 * EffectQueue: runs effects in the order their inputs were handled.
 *
 * A listener may write to the store it listens to. What that write causes comes after what the
 * running input caused, so every listener sees changes in one order.
 */
export class EffectQueue<E> {
  readonly #run: (effect: E) => void;
  #queue: E[] = [];
  #running = false;

  constructor(run: (effect: E) => void) {
    this.#run = run;
  }

  push(effects: readonly E[]): void {
    if (this.#running) {
      for (const effect of effects) this.#queue.push(effect);
      return;
    }
    this.#running = true;
    try {
      for (const effect of effects) this.#run(effect);
      while (this.#queue.length > 0) {
        const queue = this.#queue;
        this.#queue = [];
        for (const effect of queue) this.#run(effect);
      }
    } finally {
      this.#running = false;
    }
  }
}
