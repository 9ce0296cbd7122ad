/**
 * WatchQueue: batches between a stream that brings them and the loop that takes them.
 *
 * It has no limit of its own: it says when it is full, and whoever fills it stops reading from the network, so that etcd
 * keeps what the reader has no time for.
 *
 * Invariants: batches leave in the order they came; what is in the queue when a failure comes is read before it; after
 * `close` nothing is read.
 */
import { coreErrors } from "@foundation/core";
import type { WatchBatch } from "../engine/engine.js";
import { ENGINE_LIMITS } from "../store/limits.js";

interface Reader {
  resolve(result: IteratorResult<WatchBatch>): void;
  reject(error: unknown): void;
}

export class WatchQueue implements AsyncIterableIterator<WatchBatch> {
  readonly #max: number;
  readonly #onRoom: () => void;
  readonly #onLeave: () => void;
  readonly #readers: Reader[] = [];
  #batches: WatchBatch[] = [];
  #taken = 0;
  #ended: { readonly error: unknown } | "closed" | undefined;

  /**
   * @param max batches from which it is full
   * @param onRoom it is half empty, and may have been full before
   * @param onLeave the reader has left the loop
   */
  constructor(max: number, onRoom: () => void, onLeave: () => void) {
    this.#max = max;
    this.#onRoom = onRoom;
    this.#onLeave = onLeave;
  }

  get isFull(): boolean {
    return this.#size >= this.#max;
  }

  push(batch: WatchBatch): void {
    if (this.#ended !== undefined) return;
    const reader = this.#readers.shift();
    if (reader === undefined) this.#batches.push(batch);
    else reader.resolve({ done: false, value: batch });
  }

  fail(error: unknown): void {
    if (this.#ended !== undefined) return;
    // Who waits finds nothing in the queue; one reader gets the error, the others the end.
    const [first, ...others] = this.#readers.splice(0);
    this.#ended = first === undefined ? { error } : "closed";
    first?.reject(error);
    for (const reader of others) reader.resolve({ done: true, value: undefined });
  }

  close(): void {
    this.#batches = [];
    this.#taken = 0;
    this.#ended = "closed";
    for (const reader of this.#readers.splice(0)) reader.resolve({ done: true, value: undefined });
  }

  async next(): Promise<IteratorResult<WatchBatch>> {
    const value = this.#take();
    if (value !== undefined) return { done: false, value };
    if (this.#ended !== undefined) return this.#end(this.#ended);
    const { watchReadsMax: limit } = ENGINE_LIMITS;
    if (this.#readers.length >= limit) {
      throw coreErrors.ERR_QUEUE_FULL(
        `${limit} calls of next() wait on one watch already; read it with one loop`,
        { queue: "reads of a watch", limit, unit: "messages" },
      );
    }
    return await new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
    });
  }

  async return(): Promise<IteratorResult<WatchBatch>> {
    this.#onLeave();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  get #size(): number {
    return this.#batches.length - this.#taken;
  }

  #end(ended: { readonly error: unknown } | "closed"): IteratorResult<WatchBatch> {
    if (ended === "closed") return { done: true, value: undefined };
    this.#ended = "closed";
    throw ended.error;
  }

  #take(): WatchBatch | undefined {
    const batch = this.#batches[this.#taken];
    if (batch === undefined) return undefined;
    this.#taken += 1;
    // Cut off once it is half of the list: cheap for each, and nothing taken is kept for long.
    if (this.#taken * 2 >= this.#batches.length) {
      this.#batches = this.#batches.slice(this.#taken);
      this.#taken = 0;
    }
    if (this.#size === Math.floor(this.#max / 2)) this.#onRoom();
    return batch;
  }
}
