/**
 * ByteIterator: the promises between a buffer of bytes that fills by itself and the one loop that empties it.
 *
 * Invariants: a piece is handed to one read; reads settle in order; after the end, the failure or `return` nothing is
 * handed out any more; a failure is thrown once what came before it was taken, and again by every later read.
 */
import { coreErrors } from "../errors/errors.js";
import { STREAM_READS_MAX } from "./bounded-stream.js";

/** What the iterator reads from. */
export interface ByteBuffer {
  /** Takes the next piece; undefined while there is none. */
  take(): Uint8Array | undefined;
  /** The reader has left before the end. Called once at most, never after `end` or `fail`. */
  left(): void;
}

interface Read {
  resolve(result: IteratorResult<Uint8Array>): void;
  reject(error: unknown): void;
}

export class ByteIterator implements AsyncIterableIterator<Uint8Array> {
  readonly #buffer: ByteBuffer;
  #reads: Read[] = [];
  #state: "open" | "ended" | "failed" | "left" = "open";
  #failure: unknown;

  constructor(buffer: ByteBuffer) {
    this.#buffer = buffer;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** A read waits, so that the buffer is empty. */
  get isWaiting(): boolean {
    return this.#reads.length > 0;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#reads.length >= STREAM_READS_MAX) throw tooManyReads();
    const value = this.#reads.length === 0 ? this.#take() : undefined;
    if (value !== undefined) return { done: false, value };
    if (this.#state === "failed") throw this.#failure;
    if (this.#state !== "open") return { done: true, value: undefined };
    return await new Promise((resolve, reject) => this.#reads.push({ resolve, reject }));
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    const was = this.#state;
    this.#state = "left";
    if (was === "open") this.#buffer.left();
    this.#settleReads();
    return { done: true, value: undefined };
  }

  /** The buffer has something: serves the reads that wait. */
  wake(): void {
    while (this.#reads.length > 0) {
      const value = this.#take();
      if (value === undefined) return;
      this.#reads.shift()?.resolve({ done: false, value });
    }
  }

  /** Nothing more comes; what is buffered is still handed out. */
  end(): void {
    this.#finish("ended", undefined);
  }

  /** As `end`, but then this error is thrown. */
  fail(error: unknown): void {
    this.#finish("failed", error);
  }

  #take(): Uint8Array | undefined {
    return this.#state === "left" ? undefined : this.#buffer.take();
  }

  #finish(state: "ended" | "failed", failure: unknown): void {
    if (this.#state !== "open") return;
    this.#state = state;
    this.#failure = failure;
    this.wake();
    this.#settleReads();
  }

  #settleReads(): void {
    const reads = this.#reads;
    this.#reads = [];
    for (const read of reads) {
      if (this.#state === "failed") read.reject(this.#failure);
      else read.resolve({ done: true, value: undefined });
    }
  }
}

function tooManyReads(): Error {
  return coreErrors.ERR_QUEUE_FULL(
    `${STREAM_READS_MAX} calls of next() on a byte stream wait already; read with one loop`,
    { queue: "byte stream reads", limit: STREAM_READS_MAX, unit: "messages" },
  );
}
