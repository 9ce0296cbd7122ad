/** EventQueue: what is going to happen, by time and then by the order in which it was asked for. A binary heap. */

interface Happening {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class EventQueue {
  readonly #heap: Happening[] = [];
  #order = 0;

  add(at: number, run: () => void): void {
    this.#order += 1;
    const item = { at, order: this.#order, run };
    const heap = this.#heap;
    let place = heap.length;
    heap.push(item);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(item, heap[parent] as Happening)) break;
      heap[place] = heap[parent] as Happening;
      place = parent;
    }
    heap[place] = item;
  }

  /** The time of the next one. */
  get nextAt(): number | undefined {
    return this.#heap[0]?.at;
  }

  /** Takes the next one; there must be one. */
  take(): () => void {
    const heap = this.#heap;
    const { run } = heap[0] as Happening;
    const item = heap.pop() as Happening;
    if (heap.length > 0) this.#sink(item);
    return run;
  }

  #sink(item: Happening): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as Happening)) child += 1;
      if (!isBefore(heap[child] as Happening, item)) break;
      heap[place] = heap[child] as Happening;
      place = child;
    }
    heap[place] = item;
  }
}

function isBefore(one: Happening, other: Happening): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
