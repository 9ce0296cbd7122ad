/**
 * boundedStream: a queue between a synchronous producer and a `for await` loop, with a limit.
 *
 * Why it exists: every stream of the public face (`watch`, `subscribe`, `changes`) is an async
 * iterable whose reader may be slower than its source. What happens then is said once, here: the
 * buffer has a size, and the overflow policy says which value is given up or that the stream fails.
 *
 * Invariants: values come out in the order they went in; at most `buffer` of them wait; a value is
 * either handed to one reader, or counted in `dropped`, or discarded by `close`; after the end no
 * push is accepted; every pending `next` is settled by the end.
 */
import { coreErrors } from "../errors/errors.js";

/** What happens to a value that finds the buffer full. */
export type Overflow = "drop-oldest" | "drop-newest" | "error";

/** Values a stream keeps for a slow reader unless told otherwise. */
export const STREAM_BUFFER_DEFAULT = 1_000;

/** `next()` calls that may wait at once on one stream; a `for await` loop has one. */
export const STREAM_READS_MAX = 1_000;

export interface BoundedStreamOptions {
  /** Values kept for a slow reader, an integer from 1. @default 1_000 */
  readonly buffer?: number | undefined;
  /** @default "drop-oldest" */
  readonly overflow?: Overflow | undefined;
  /** Ends the stream as `close` does: the loop ends without an error, what is buffered is gone. */
  readonly signal?: AbortSignal | undefined;
  /** Names the stream in errors. @default "stream" */
  readonly name?: string | undefined;
  /** Called for each value given up by a drop policy. */
  readonly onDrop?: (() => void) | undefined;
  /** Called once when the stream takes no more values, for whatever reason: unsubscribe here. */
  readonly onEnd?: (() => void) | undefined;
}

/** The two ends of a stream: `push`, `end` and `fail` for the producer, `iterator` for the reader. */
export interface BoundedStream<T> {
  /** For the reader. Leaving the loop closes the stream. */
  readonly iterator: AsyncIterableIterator<T>;
  /** Values that wait for the reader. */
  readonly size: number;
  /** Values given up so far. */
  readonly dropped: number;
  readonly ended: boolean;
  /** Hands over one value; false when it, and not an older one, was given up. */
  push(value: T): boolean;
  /** No more values: the reader still gets what is buffered, then the end. */
  end(): void;
  /** As `end`, but the reader gets this error after what is buffered. */
  fail(error: unknown): void;
  /** Ends now: what is buffered is discarded. Idempotent. */
  close(): void;
}

interface Read<T> {
  resolve(result: IteratorResult<T>): void;
  reject(error: unknown): void;
}

/**
 * Makes a stream.
 *
 * @throws {ERR_INVALID_ARGUMENT} `buffer` is not an integer from 1. The reader's `next()` rejects
 * with `ERR_QUEUE_FULL` when the policy is "error" and the buffer ran over.
 *
 * @example
 * ```ts
 * import { boundedStream } from "@foundation/core"
 *
 * const ticks = boundedStream<number>({ buffer: 10, overflow: "drop-oldest" })
 * ticks.push(1)
 * ticks.end()
 * for await (const tick of ticks.iterator) console.log(tick)
 * ```
 */
export function boundedStream<T>(options: BoundedStreamOptions = {}): BoundedStream<T> {
  return new QueueStream<T>(options);
}

class QueueStream<T> implements BoundedStream<T> {
  readonly iterator: AsyncIterableIterator<T>;
  readonly #limit: number;
  readonly #overflow: Overflow;
  readonly #name: string;
  readonly #options: BoundedStreamOptions;
  readonly #onAbort = () => this.close();
  readonly #reads: Read<T>[] = [];
  /** Values from `#head` on wait; the part before it is cut off when it has grown. */
  #values: T[] = [];
  #head = 0;
  #dropped = 0;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: BoundedStreamOptions) {
    const limit = options.buffer ?? STREAM_BUFFER_DEFAULT;
    if (!Number.isSafeInteger(limit) || limit < 1) throw invalidBuffer(limit);
    this.#limit = limit;
    this.#overflow = options.overflow ?? "drop-oldest";
    this.#name = options.name ?? "stream";
    this.#options = options;
    this.iterator = iteratorOf(
      () => this.#next(),
      () => this.close(),
    );
    if (options.signal?.aborted === true) this.close();
    else options.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get size(): number {
    return this.#values.length - this.#head;
  }

  get dropped(): number {
    return this.#dropped;
  }

  get ended(): boolean {
    return this.#ended;
  }

  push(value: T): boolean {
    if (this.#ended) return false;
    const read = this.#reads.shift();
    if (read !== undefined) {
      read.resolve({ done: false, value });
      return true;
    }
    if (this.size >= this.#limit && !this.#makeRoom()) return false;
    this.#values.push(value);
    return true;
  }

  end(): void {
    this.#finish(undefined);
  }

  fail(error: unknown): void {
    this.#finish({ error });
  }

  close(): void {
    this.#values = [];
    this.#head = 0;
    this.#failure = undefined;
    this.#finish(undefined);
  }

  #makeRoom(): boolean {
    if (this.#overflow === "error") {
      this.fail(this.#overrun());
      return false;
    }
    this.#dropped += 1;
    if (this.#overflow === "drop-oldest") this.#shift();
    this.#options.onDrop?.();
    // onDrop is the owner's code and may have ended the stream.
    return this.#overflow === "drop-oldest" && !this.#ended;
  }

  #overrun(): Error {
    return coreErrors.ERR_QUEUE_FULL(
      `${this.#name}: the reader is slower than the source and ${this.#limit} values wait; ` +
        `read faster, raise buffer, or choose overflow "drop-oldest"`,
      { queue: this.#name, limit: this.#limit, unit: "messages" },
    );
  }

  #shift(): T {
    const value = this.#values[this.#head] as T;
    this.#values[this.#head] = undefined as T;
    this.#head += 1;
    if (this.#head === this.#values.length) {
      this.#values = [];
      this.#head = 0;
    } else if (this.#head >= 1_024 && this.#head * 2 >= this.#values.length) {
      this.#values = this.#values.slice(this.#head);
      this.#head = 0;
    }
    return value;
  }

  async #next(): Promise<IteratorResult<T>> {
    if (this.size > 0) return { done: false, value: this.#shift() };
    if (this.#ended) return this.#endResult();
    if (this.#reads.length >= STREAM_READS_MAX) throw this.#tooManyReads();
    return await new Promise<IteratorResult<T>>((resolve, reject) => {
      this.#reads.push({ resolve, reject });
    });
  }

  #endResult(): IteratorResult<T> {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
    return { done: true, value: undefined };
  }

  #tooManyReads(): Error {
    return coreErrors.ERR_QUEUE_FULL(
      `${this.#name}: ${STREAM_READS_MAX} calls of next() wait already; read with one loop`,
      { queue: `${this.#name} reads`, limit: STREAM_READS_MAX, unit: "messages" },
    );
  }

  #finish(failure: { readonly error: unknown } | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    const reads = this.#reads.splice(0);
    // A reader waits only while nothing is buffered, so the first one may take the failure.
    this.#failure = failure;
    for (const read of reads) {
      try {
        read.resolve(this.#endResult());
      } catch (error) {
        read.reject(error);
      }
    }
    this.#options.onEnd?.();
  }
}

function iteratorOf<T>(
  next: () => Promise<IteratorResult<T>>,
  close: () => void,
): AsyncIterableIterator<T> {
  return {
    next,
    async return(): Promise<IteratorResult<T>> {
      close();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function invalidBuffer(found: number): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(
    `buffer must be an integer from 1, found ${found}; to keep every value, choose a limit you can afford`,
    { argument: "buffer", expected: "an integer from 1", found: String(found) },
  );
}
