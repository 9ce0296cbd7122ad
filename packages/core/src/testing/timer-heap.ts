/**
 * TimerHeap: pending timers of a virtual clock, ordered by (time, sequence).
 *
 * The sequence makes the order total, so two timers due at one instant run in the order they were set and a run can be
 * replayed. A cancelled timer stays in the heap, marked, until it comes to the top: cancelling is O(1).
 */
import type { Timer } from "../ports/clock.js";

/** One pending timer. */
export class HeapTimer implements Timer {
  cancelled = false;
  ran = false;

  constructor(
    readonly heap: TimerHeap,
    readonly dueMs: number,
    readonly sequence: number,
    readonly run: () => void,
  ) {}

  cancel(): void {
    if (this.cancelled || this.ran) return;
    this.cancelled = true;
    this.heap.pending -= 1;
  }
}

export class TimerHeap {
  readonly #items: HeapTimer[] = [];
  #sequence = 0;
  /** Timers that will still run. */
  pending = 0;

  add(dueMs: number, run: () => void): HeapTimer {
    const timer = new HeapTimer(this, dueMs, this.#sequence++, run);
    this.pending += 1;
    this.#items.push(timer);
    this.#siftUp(this.#items.length - 1);
    return timer;
  }

  /** When the next timer is due, or undefined when none is pending. */
  nextDueMs(): number | undefined {
    while (this.#items[0]?.cancelled) this.#pop();
    return this.#items[0]?.dueMs;
  }

  /** Removes and returns the next timer that is due at `nowMs` or before. */
  takeDue(nowMs: number): HeapTimer | undefined {
    const dueMs = this.nextDueMs();
    if (dueMs === undefined || dueMs > nowMs) return undefined;
    const timer = this.#pop();
    if (timer) {
      timer.ran = true;
      this.pending -= 1;
    }
    return timer;
  }

  #pop(): HeapTimer | undefined {
    const top = this.#items[0];
    const last = this.#items.pop();
    if (last && this.#items.length > 0) {
      this.#items[0] = last;
      this.#siftDown(0);
    }
    return top;
  }

  #siftUp(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#before(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #siftDown(start: number): void {
    let index = start;
    for (;;) {
      const left = index * 2 + 1;
      const right = left + 1;
      let least = index;
      if (left < this.#items.length && this.#before(left, least)) least = left;
      if (right < this.#items.length && this.#before(right, least)) least = right;
      if (least === index) return;
      this.#swap(index, least);
      index = least;
    }
  }

  #before(a: number, b: number): boolean {
    const x = this.#items[a] as HeapTimer;
    const y = this.#items[b] as HeapTimer;
    return x.dueMs < y.dueMs || (x.dueMs === y.dueMs && x.sequence < y.sequence);
  }

  #swap(a: number, b: number): void {
    const x = this.#items[a] as HeapTimer;
    this.#items[a] = this.#items[b] as HeapTimer;
    this.#items[b] = x;
  }
}
