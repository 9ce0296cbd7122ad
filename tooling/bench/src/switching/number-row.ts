/**
 * NumberRow: the numbers 1, 2, 3, … of one sender as they come: which came twice, which after a later one, and the
 * longest pause. Those that are missing are remembered, so it can tell a late one from a doubled one.
 */
export class NumberRow {
  /** The next one, if none is missing. */
  #next = 1;
  readonly #missing = new Set<number>();
  #last = 0;
  #lastAtMs: number | undefined;
  doubled = 0;
  disordered = 0;
  longestGapMs = 0;

  get distinct(): number {
    return this.#next - 1 - this.#missing.size;
  }

  /** Those that have not come, before one that has. */
  get missing(): readonly number[] {
    return [...this.#missing];
  }

  /** The one that came last. */
  get last(): number {
    return this.#last;
  }

  note(number: number, atMs: number): void {
    if (this.#lastAtMs !== undefined) {
      this.longestGapMs = Math.max(this.longestGapMs, atMs - this.#lastAtMs);
    }
    this.#lastAtMs = atMs;
    this.#last = number;
    if (number >= this.#next) {
      for (let between = this.#next; between < number; between += 1) this.#missing.add(between);
      this.#next = number + 1;
    } else if (this.#missing.delete(number)) {
      this.disordered += 1;
    } else {
      this.doubled += 1;
    }
  }
}
