/**
 * A heap of things to do, ordered by time and then by the order they were added: virtual time for
 * simulations.
 */
export class EventHeap {
  /** Virtual time, in milliseconds. */
  now = 0;
  readonly #items: { at: number; sequence: number; run: () => void }[] = [];
  #sequence = 0;

  add(at: number, run: () => void): void {
    const items = this.#items;
    let index = items.push({ at, sequence: (this.#sequence += 1), run }) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#before(index, parent)) break;
      this.#swap(index, parent);
      index = parent;
    }
  }

  get nextAt(): number {
    return this.#items[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  pop(): { at: number; run: () => void } | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (!first || !last || first === last) return first;
    items[0] = last;
    let index = 0;
    for (;;) {
      const [left, right] = [index * 2 + 1, index * 2 + 2];
      let least = index;
      if (left < items.length && this.#before(left, least)) least = left;
      if (right < items.length && this.#before(right, least)) least = right;
      if (least === index) return first;
      this.#swap(index, least);
      index = least;
    }
  }

  /** Lets time pass, and does what is due on the way. */
  run(ms: number): void {
    const end = this.now + ms;
    while (this.nextAt <= end) {
      const next = this.pop();
      if (!next) break;
      this.now = next.at;
      next.run();
    }
    this.now = end;
  }

  #before(a: number, b: number): boolean {
    const [left, right] = [this.#items[a], this.#items[b]];
    if (!left || !right) return false;
    return left.at !== right.at ? left.at < right.at : left.sequence < right.sequence;
  }

  #swap(a: number, b: number): void {
    const [left, right] = [this.#items[a], this.#items[b]];
    if (!left || !right) return;
    this.#items[a] = right;
    this.#items[b] = left;
  }
}
