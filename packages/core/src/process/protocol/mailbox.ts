/**
 * Mailbox: the bounded queue of messages that wait for one process.
 *
 * Why its own structure: an array's `shift` moves every element once it is long, and dropping the
 * oldest cast from the middle of waiting calls must not cost a scan of the whole queue. So this is
 * a ring of slots that grows by doubling; a dropped message leaves a hole that is skipped, holes
 * are squeezed out before the ring would grow, and a cursor remembers how far the search for
 * something to drop has come. Every operation is amortised O(1).
 *
 * Invariants: messages leave in the order they came; `length` counts messages, never holes, and
 * never exceeds `limit`; slots are at most four times the messages, or `SLOTS_MIN`.
 */
import { assert } from "../../assert.js";

const SLOTS_MIN = 8;

export class Mailbox<Message extends object> {
  readonly limit: number;
  #slots: (Message | undefined)[] = [];
  /** Positions count up; a position's slot is its remainder by the number of slots. */
  #head = 0;
  #tail = 0;
  #length = 0;
  /** No position before this one holds a message that may be dropped. */
  #dropFrom = 0;

  constructor(limit: number) {
    assert(Number.isSafeInteger(limit) && limit >= 1, "a mailbox holds at least one message");
    this.limit = limit;
  }

  /** Messages waiting. */
  get length(): number {
    return this.#length;
  }

  get full(): boolean {
    return this.#length >= this.limit;
  }

  /** Adds at the end. The caller has looked at `full`. */
  push(message: Message): void {
    assert(this.#length < this.limit, "a full mailbox takes no message");
    if (this.#tail - this.#head === this.#slots.length) this.#resize();
    this.#slots[this.#tail & (this.#slots.length - 1)] = message;
    this.#tail++;
    this.#length++;
  }

  /** Takes the oldest message, or undefined when there is none. */
  shift(): Message | undefined {
    if (this.#length === 0) return undefined;
    const mask = this.#slots.length - 1;
    let message = this.#slots[this.#head & mask];
    while (message === undefined) message = this.#slots[++this.#head & mask];
    this.#slots[this.#head & mask] = undefined;
    this.#head++;
    this.#length--;
    if (this.#length === 0) this.#reset();
    return message;
  }

  /** Takes the oldest message that may be dropped, wherever it stands. */
  dropOldest(mayDrop: (message: Message) => boolean): Message | undefined {
    const mask = this.#slots.length - 1;
    for (let at = Math.max(this.#head, this.#dropFrom); at < this.#tail; at++) {
      this.#dropFrom = at + 1;
      const message = this.#slots[at & mask];
      if (message === undefined || !mayDrop(message)) continue;
      this.#slots[at & mask] = undefined;
      this.#length--;
      if (this.#length === 0) this.#reset();
      return message;
    }
    return undefined;
  }

  /** Takes everything, oldest first. */
  drain(): Message[] {
    const messages: Message[] = [];
    for (let message = this.shift(); message !== undefined; message = this.shift()) {
      messages.push(message);
    }
    assert(this.#length === 0, "a drained mailbox is empty");
    return messages;
  }

  /** Squeezes holes out and keeps the size where that makes room enough; else doubles it. */
  #resize(): void {
    const size = Math.max(SLOTS_MIN, this.#slots.length);
    const grows = this.#length * 2 > size || this.#slots.length === 0;
    const slots = new Array<Message | undefined>(grows ? this.#nextSize() : size).fill(undefined);
    const mask = this.#slots.length - 1;
    let count = 0;
    let dropFrom = 0;
    for (let at = this.#head; at < this.#tail; at++) {
      const message = this.#slots[at & mask];
      if (message === undefined) continue;
      if (at < this.#dropFrom) dropFrom = count + 1;
      slots[count++] = message;
    }
    assert(count === this.#length, "no message is lost when a mailbox changes its size");
    this.#slots = slots;
    this.#head = 0;
    this.#tail = count;
    this.#dropFrom = dropFrom;
  }

  #nextSize(): number {
    return this.#slots.length === 0 ? SLOTS_MIN : this.#slots.length * 2;
  }

  /** Empty: positions start again at 0, and a burst's memory is given back. */
  #reset(): void {
    this.#head = 0;
    this.#tail = 0;
    this.#dropFrom = 0;
    if (this.#slots.length > SLOTS_MIN * 128) this.#slots = [];
  }
}
