/** Counts: how often each thing happened, so that a hunt can tell that its worlds are not asleep. */

export class Counts {
  events = 0;
  readonly #counts = new Map<string, number>();

  add(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  get(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  all(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort());
  }
}
