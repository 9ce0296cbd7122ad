/**
 * Expiry: which entries end by themselves, and when next.
 *
 * Ends are rounded up to slots, so that a thousand entries written together end together, by one
 * timer. A heap of slots finds the next one. Entries that were replaced before their end stay in
 * their slot until most of all are such; then the slots are cleaned.
 *
 * Invariant: an entry is never given out before its end.
 */
import { EXPIRY_SLOT_MS } from "../../limits.js";
import type { Entry } from "./strand.js";

/** Replaced entries that are kept at least. */
const DEAD_KEPT = 1_000;

export class Expiry<V> {
  readonly #slots = new Map<number, Entry<V>[]>();
  /** A binary heap of the numbers of the slots. */
  readonly #heap: number[] = [];
  #count = 0;
  #dead = 0;

  /** When the next slot ends; undefined when nothing does. */
  get nextMs(): number | undefined {
    const slot = this.#heap[0];
    return slot === undefined ? undefined : slot * EXPIRY_SLOT_MS;
  }

  add(entry: Entry<V>): void {
    const slot = Math.ceil(entry.endsAtMs / EXPIRY_SLOT_MS);
    const entries = this.#slots.get(slot);
    this.#count += 1;
    if (entries !== undefined) entries.push(entry);
    else {
      this.#slots.set(slot, [entry]);
      this.#push(slot);
    }
  }

  /** An entry that was added is no longer live. */
  replaced(): void {
    this.#dead += 1;
    if (this.#dead < DEAD_KEPT || this.#dead * 2 < this.#count) return;
    this.#dead = 0;
    this.#count = 0;
    for (const [slot, entries] of this.#slots) {
      const live = entries.filter(({ isLive }) => isLive);
      this.#slots.set(slot, live);
      this.#count += live.length;
    }
  }

  /** Takes out the live entries whose end has come. */
  due(now: number): readonly Entry<V>[] {
    const out: Entry<V>[] = [];
    for (let slot = this.#heap[0]; slot !== undefined; slot = this.#heap[0]) {
      if (slot * EXPIRY_SLOT_MS > now) break;
      this.#pop();
      const entries = this.#slots.get(slot) ?? [];
      this.#slots.delete(slot);
      this.#count -= entries.length;
      for (const entry of entries) {
        if (entry.isLive) out.push(entry);
        else this.#dead = Math.max(0, this.#dead - 1);
      }
    }
    return out;
  }

  #push(slot: number): void {
    const heap = this.#heap;
    let at = heap.push(slot) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((heap[parent] as number) <= slot) break;
      heap[at] = heap[parent] as number;
      at = parent;
    }
    heap[at] = slot;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number))
        child += 1;
      if ((heap[child] as number) >= last) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = last;
  }
}
