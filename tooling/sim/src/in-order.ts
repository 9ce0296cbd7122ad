/** InOrder: hands on what arrives in any order in the order of its numbers, from 0. */
export class InOrder<T> {
  readonly #take: (value: T) => void;
  readonly #waiting = new Map<number, T>();
  #next = 0;

  constructor(take: (value: T) => void) {
    this.#take = take;
  }

  add(index: number, value: T): void {
    this.#waiting.set(index, value);
    for (;;) {
      const value = this.#waiting.get(this.#next);
      if (value === undefined) return;
      this.#waiting.delete(this.#next);
      this.#next += 1;
      this.#take(value);
    }
  }

  /** Hands on the rest, whatever is missing between, when nothing more will come. */
  flush(): void {
    const rest = [...this.#waiting].sort(([a], [b]) => a - b);
    this.#waiting.clear();
    for (const [, value] of rest) this.#take(value);
  }
}
