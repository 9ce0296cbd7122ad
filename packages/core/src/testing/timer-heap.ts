/**
 * TimerHeap: pending timers of a virtual clock, ordered by (time, sequence).
 *
 * The sequence makes the order total, so two timers due at one instant run in the order they were set and a run can be
 * replayed. A cancelled timer stays in the heap, empty, until it comes to the top or the cancelled are the larger part:
 * cancelling is O(1) on average, and what it would have run is let go of at once.
 */
import { AsyncResource } from "node:async_hooks";
import type { Timer } from "../ports/clock.js";
import { testingLimits } from "./limits.js";

/**
 * One pending timer. It runs in the async context of who set it, as real timers do. Not by `AsyncResource.bind`: that
 * defines properties on each function it makes, which is most of what a timer then costs.
 */
export class HeapTimer implements Timer {
  /** It will run: neither cancelled nor taken. */
  isPending = true;
  readonly #heap: TimerHeap;
  #fn: (() => void) | undefined;
  #context: AsyncResource | undefined = new AsyncResource("VirtualTimer");

  constructor(
    heap: TimerHeap,
    readonly dueMs: number,
    readonly sequence: number,
    fn: () => void,
  ) {
    this.#heap = heap;
    this.#fn = fn;
  }

  run(): void {
    if (this.#fn !== undefined) this.#context?.runInAsyncScope(this.#fn);
  }

  cancel(): void {
    if (!this.isPending) return;
    this.isPending = false;
    this.#fn = undefined;
    this.#context = undefined;
    this.#heap.cancelled();
  }
}

export class TimerHeap {
  #items: HeapTimer[] = [];
  #sequence = 0;
  /** Timers that will still run. */
  pending = 0;

  add(dueMs: number, fn: () => void): HeapTimer {
    const timer = new HeapTimer(this, dueMs, this.#sequence++, fn);
    this.pending += 1;
    this.#items.push(timer);
    this.#siftUp(this.#items.length - 1, timer);
    return timer;
  }

  /** When the next timer is due, or undefined when none is pending. */
  nextDueMs(): number | undefined {
    while (this.#items[0]?.isPending === false) this.#pop();
    return this.#items[0]?.dueMs;
  }

  /** Removes and returns the next timer that is due at `nowMs` or before. */
  takeDue(nowMs: number): HeapTimer | undefined {
    const dueMs = this.nextDueMs();
    if (dueMs === undefined || dueMs > nowMs) return undefined;
    const timer = this.#pop();
    if (timer) {
      timer.isPending = false;
      this.pending -= 1;
    }
    return timer;
  }

  /** For HeapTimer alone. */
  cancelled(): void {
    this.pending -= 1;
    const excess = this.#items.length - 2 * this.pending;
    if (excess > testingLimits.cancelledTimersMax) this.#sweep();
  }

  /** Drops the cancelled; the order is total, so the rest runs as before. */
  #sweep(): void {
    this.#items = this.#items.filter(({ isPending }) => isPending);
    for (let index = (this.#items.length >> 1) - 1; index >= 0; index -= 1) {
      this.#siftDown(index, this.#items[index] as HeapTimer);
    }
  }

  #pop(): HeapTimer | undefined {
    const top = this.#items[0];
    const last = this.#items.pop();
    if (last && this.#items.length > 0) this.#siftDown(0, last);
    return top;
  }

  /** Puts a timer at a free place or above it. */
  #siftUp(start: number, timer: HeapTimer): void {
    const items = this.#items;
    let index = start;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = items[parentIndex] as HeapTimer;
      if (!isBefore(timer, parent)) break;
      items[index] = parent;
      index = parentIndex;
    }
    items[index] = timer;
  }

  /** Puts a timer at a free place or below it. */
  #siftDown(start: number, timer: HeapTimer): void {
    const items = this.#items;
    let index = start;
    for (;;) {
      let childIndex = index * 2 + 1;
      if (childIndex >= items.length) break;
      let child = items[childIndex] as HeapTimer;
      const right = items[childIndex + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childIndex += 1;
      }
      if (!isBefore(child, timer)) break;
      items[index] = child;
      index = childIndex;
    }
    items[index] = timer;
  }
}

function isBefore(x: HeapTimer, y: HeapTimer): boolean {
  return x.dueMs < y.dueMs || (x.dueMs === y.dueMs && x.sequence < y.sequence);
}
