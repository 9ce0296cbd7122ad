/**
 * PendingRequests: the requests of this node that wait for a reply.
 *
 * One timer serves all deadlines: `nextDeadline` says when to look again, `expire` takes what is
 * due. The scan over at most 10,000 entries happens only when the earliest deadline passes, so
 * nothing is paid for a request that is answered.
 *
 * Invariants: an id is not given again while it waits; every entry leaves exactly once, through
 * `take`, `expire` or `takeWhere`; a reply is taken only from the node that was asked.
 */
import { RenewedMap } from "@foundation/core";
import { assert } from "./assert.js";

/** What the table needs of an entry. */
export interface PendingRequest {
  /** Given by `add`. */
  id: number;
  /** Who was asked. */
  readonly to: string;
  /** Monotonic ms. */
  readonly deadline: number;
}

export class PendingRequests<Entry extends PendingRequest> {
  readonly #entries = new RenewedMap<number, Entry>();
  readonly #max: number;
  #lastId = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  get isFull(): boolean {
    return this.#entries.size >= this.#max;
  }

  /** Adds an entry and gives it its id, from 1 to 2^32 - 1. */
  add(entry: Entry): void {
    assert(!this.isFull, "the caller looks at isFull before it adds");
    do {
      this.#lastId = this.#lastId >= 0xffffffff ? 1 : this.#lastId + 1;
    } while (this.#entries.has(this.#lastId));
    entry.id = this.#lastId;
    this.#entries.set(entry.id, entry);
  }

  /**
   * Takes the entry a reply belongs to; undefined for a late reply, or one of a node that was not
   * asked.
   */
  take(id: number, from: string): Entry | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.to !== from) return undefined;
    this.#entries.delete(id);
    return entry;
  }

  /** There is one that fulfils the condition. */
  has(condition: (entry: Entry) => boolean): boolean {
    for (const entry of this.#entries.values()) if (condition(entry)) return true;
    return false;
  }

  /** Takes every entry whose deadline has passed, in the order they were added. */
  expire(now: number): Entry[] {
    return this.takeWhere((entry) => entry.deadline <= now);
  }

  /** Takes every entry that fulfils the condition. */
  takeWhere(condition: (entry: Entry) => boolean): Entry[] {
    const taken: Entry[] = [];
    for (const entry of this.#entries.values()) {
      if (!condition(entry)) continue;
      this.#entries.delete(entry.id);
      taken.push(entry);
    }
    return taken;
  }

  /** The earliest deadline, or undefined when nothing waits. */
  nextDeadline(): number | undefined {
    let next: number | undefined;
    for (const entry of this.#entries.values()) {
      if (next === undefined || entry.deadline < next) next = entry.deadline;
    }
    return next;
  }
}
