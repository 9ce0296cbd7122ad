/**
 * LeaseTable: leases in the log's time.
 *
 * A lease ends when the log's time has passed its end, on every member at the same entry; nobody looks at a clock. A
 * renewal moves the end; it is put in order only when the old end has come, so that a lease which is renewed for ever
 * costs one place in a heap and nothing more.
 *
 * Invariants: an id is never used twice; the heap has exactly one place for each lease, at or before its end; leases end
 * in the order of (end, id), so equal commands give equal revisions.
 */
import type { LeaseId } from "../../engine/engine.js";
import { invariant } from "../invariant.js";

export interface StoredLease {
  readonly id: LeaseId;
  readonly ttlMs: number;
  /** Of the log's time: at this or later it ends. */
  expiresMs: number;
  /** What it deletes. */
  readonly keys: Set<string>;
}

interface Place {
  readonly number: number;
  /** When to look; the lease's end may have moved on. */
  lookMs: number;
  /** Undefined when it was revoked. */
  lease: StoredLease | undefined;
}

/** Places of revoked leases are swept out when there are more of them than of others, and than this. */
const SWEEP_MIN = 64;

export class LeaseTable {
  readonly #places = new Map<LeaseId, Place>();
  #heap: Place[] = [];
  #granted: number;

  /** @param granted how many were granted so far, gone ones too */
  constructor(granted = 0) {
    this.#granted = granted;
  }

  get size(): number {
    return this.#places.size;
  }

  get granted(): number {
    return this.#granted;
  }

  /** The time at which the first of them ends. */
  get nextMs(): number | undefined {
    this.#settleFirst();
    return this.#heap[0]?.lookMs;
  }

  get(id: LeaseId): StoredLease | undefined {
    return this.#places.get(id)?.lease;
  }

  grant(ttlMs: number, timeMs: number): StoredLease {
    this.#granted += 1;
    return this.restore(this.#granted, ttlMs, timeMs + ttlMs);
  }

  /** Adds one of a snapshot. */
  restore(number: number, ttlMs: number, expiresMs: number): StoredLease {
    const id = String(number);
    invariant(number <= this.#granted && !this.#places.has(id), "a lease's id is its own");
    const lease: StoredLease = { id, ttlMs, expiresMs, keys: new Set() };
    const place: Place = { number, lookMs: expiresMs, lease };
    this.#places.set(id, place);
    this.#heap.push(place);
    this.#up(this.#heap.length - 1);
    return lease;
  }

  /** Moves its end; the log's time never falls, so neither does the end. */
  keep(lease: StoredLease, timeMs: number): void {
    lease.expiresMs = timeMs + lease.ttlMs;
  }

  delete(id: LeaseId): void {
    const place = this.#places.get(id);
    if (!place) return;
    this.#places.delete(id);
    place.lease = undefined;
    const { length } = this.#heap;
    if (length > SWEEP_MIN && length > 2 * this.#places.size) this.#sweep();
  }

  /** The first lease that has ended; `delete` it before the next call. */
  due(timeMs: number): StoredLease | undefined {
    this.#settleFirst();
    const first = this.#heap[0];
    return first && first.lookMs <= timeMs ? first.lease : undefined;
  }

  /** In the order they were granted. */
  *leases(): Generator<StoredLease> {
    for (const { lease } of this.#places.values()) if (lease) yield lease;
  }

  /** Brings a lease to the front that is there and ends when its place says. */
  #settleFirst(): void {
    for (let first = this.#heap[0]; first; first = this.#heap[0]) {
      if (!first.lease) {
        const last = this.#heap.pop() as Place;
        if (this.#heap.length > 0) this.#heap[0] = last;
      } else if (first.lease.expiresMs === first.lookMs) {
        return;
      } else {
        first.lookMs = first.lease.expiresMs;
      }
      this.#down(0);
    }
  }

  #sweep(): void {
    this.#heap = this.#heap.filter(({ lease }) => lease !== undefined);
    // What is sorted is a heap.
    this.#heap.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  #up(start: number): void {
    const heap = this.#heap;
    const place = heap[start] as Place;
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!isBefore(place, heap[parent] as Place)) break;
      heap[at] = heap[parent] as Place;
      at = parent;
    }
    heap[at] = place;
  }

  #down(start: number): void {
    const heap = this.#heap;
    const place = heap[start];
    if (!place) return;
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right && isBefore(right, heap[child] as Place)) child += 1;
      if (!isBefore(heap[child] as Place, place)) break;
      heap[at] = heap[child] as Place;
      at = child;
    }
    heap[at] = place;
  }
}

function isBefore(a: Place, b: Place): boolean {
  return a.lookMs < b.lookMs || (a.lookMs === b.lookMs && a.number < b.number);
}
