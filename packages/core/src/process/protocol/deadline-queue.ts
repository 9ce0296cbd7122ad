/**
 * DeadlineQueue: what waits for an answer, ordered by when the wait is over.
 *
 * A binary heap, because callers choose their own timeouts. An entry that is settled stays until
 * its deadline or until half the queue is settled, when all of those are swept out together: so
 * settling costs nothing, and the queue is never more than twice as long as what really waits.
 *
 * Invariant: the first entry has the earliest deadline.
 */
import { assert } from "../../assert.js";

/** Something that waits. Its owner sets `settled` through `DeadlineQueue.settle`. */
export interface Waiting {
  /** Clock.now at which the wait is over. */
  readonly deadline: number;
  settled: boolean;
}

const SWEEP_MIN = 64;

export class DeadlineQueue<Entry extends Waiting> {
  #heap: Entry[] = [];
  #live = 0;

  /** Entries that still wait. */
  get live(): number {
    return this.#live;
  }

  /** The earliest deadline, of a settled entry or not; undefined when nothing waits. */
  get earliest(): number | undefined {
    return this.#live === 0 ? undefined : this.#heap[0]?.deadline;
  }

  add(entry: Entry): void {
    assert(!entry.settled, "what is settled waits for nothing");
    this.#heap.push(entry);
    this.#live++;
    this.#up(this.#heap.length - 1);
  }

  /** An entry that was added got its answer. */
  settle(entry: Entry): void {
    assert(!entry.settled, "an entry is settled once");
    entry.settled = true;
    this.#live--;
    assert(this.#live >= 0, "only what was added is settled");
    if (this.#live === 0) this.#heap = [];
    else if (this.#heap.length > SWEEP_MIN && this.#live * 2 < this.#heap.length) this.#sweep();
  }

  /** Takes the entries whose deadline has come, earliest first, and settles them. */
  takeDue(now: number): Entry[] {
    const due: Entry[] = [];
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (!first.settled && first.deadline > now) break;
      this.#removeFirst();
      if (first.settled) continue;
      first.settled = true;
      this.#live--;
      due.push(first);
    }
    return due;
  }

  #sweep(): void {
    this.#heap = this.#heap.filter((entry) => !entry.settled);
    this.#heap.sort((a, b) => a.deadline - b.deadline);
    assert(this.#heap.length === this.#live, "a sweep keeps exactly what waits");
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #up(start: number): void {
    const heap = this.#heap;
    const entry = heap[start] as Entry;
    let at = start;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt] as Entry;
      if (parent.deadline <= entry.deadline) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = entry;
  }

  #down(start: number): void {
    const heap = this.#heap;
    const entry = heap[start] as Entry;
    let at = start;
    for (;;) {
      let childAt = at * 2 + 1;
      if (childAt >= heap.length) break;
      const right = heap[childAt + 1];
      if (right !== undefined && right.deadline < (heap[childAt] as Entry).deadline) childAt++;
      const child = heap[childAt] as Entry;
      if (child.deadline >= entry.deadline) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = entry;
  }
}
