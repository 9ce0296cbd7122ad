/**
 * RemoteWatch: a watch that asks again and again for what comes next.
 *
 * All it is is the next revision it wants, so it goes on at any member, over any broken link, and misses and repeats
 * nothing. While nothing is left to read it has one question under way, so that one that has nothing to give is not
 * compacted away; while something is, it asks nothing: a slow reader costs one answer.
 */
import { coreErrors } from "@foundation/core";
import type { Clock } from "@foundation/core/ports";
import type { KeyRange, Revision, Watch, WatchBatch, WatchOptions } from "../engine/engine.js";
import { consensusErrors } from "../errors.js";
import { closedError } from "../store/engine-errors.js";
import { ENGINE_LIMITS } from "../store/limits.js";
import type { Asking } from "./asking.js";
import { REMOTE_TIMES } from "./limits.js";
import { beginData, type PollAnswer } from "./words.js";

const END: IteratorResult<WatchBatch> = { done: true, value: undefined };

/** A call of `next` that waits. */
interface Reader {
  resolve(result: IteratorResult<WatchBatch>): void;
  reject(error: unknown): void;
}

export class RemoteWatch implements Watch {
  readonly #asking: Asking;
  readonly #clock: Clock;
  readonly #range: KeyRange;
  readonly #signal: AbortSignal | undefined;
  readonly #closing = new AbortController();
  readonly #onClose: (watch: RemoteWatch) => void;
  readonly #onAbort = () => this.end();
  readonly #began: Promise<Revision>;
  readonly #waiting: Reader[] = [];
  #next: Revision | undefined;
  #batches: WatchBatch[] = [];
  #onDrained: (() => void) | undefined;
  /** Why it failed, until a reader was told. */
  #failure: unknown;
  #isClosed = false;

  constructor(
    asking: Asking,
    clock: Clock,
    range: KeyRange,
    { signal, from }: WatchOptions,
    onClose: (watch: RemoteWatch) => void,
  ) {
    this.#asking = asking;
    this.#clock = clock;
    this.#range = range;
    this.#signal = signal;
    this.#onClose = onClose;
    this.#began = this.#begin(from);
    // Who does not wait for it hears of it with the first batch.
    this.#began.catch(() => undefined);
    if (signal?.aborted === true) this.end();
    else signal?.addEventListener("abort", this.#onAbort, { once: true });
    void this.#run();
  }

  ready(): Promise<Revision> {
    return this.#began;
  }

  close(): Promise<void> {
    this.end();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @param failure what one reader is told; absent when they only come to the end */
  end(failure?: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closing.abort();
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#onDrained?.();
    const [first, ...others] = this.#waiting.splice(0);
    if (failure !== undefined && first === undefined) this.#failure = failure;
    else if (failure !== undefined) first?.reject(failure);
    else first?.resolve(END);
    for (const reader of others) reader.resolve(END);
    this.#onClose(this);
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchBatch> {
    return {
      next: () => this.#read(),
      return: async () => {
        await this.close();
        return END;
      },
    };
  }

  async #read(): Promise<IteratorResult<WatchBatch>> {
    const value = this.#isClosed ? undefined : this.#batches.shift();
    if (this.#batches.length === 0) this.#onDrained?.();
    if (value !== undefined) return { done: false, value };
    if (this.#isClosed) {
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure !== undefined) throw failure;
      return END;
    }
    const { watchReadsMax: limit } = ENGINE_LIMITS;
    if (this.#waiting.length >= limit) {
      throw coreErrors.ERR_QUEUE_FULL(
        `${limit} reads of one watch wait already; await their batches before asking for more`,
        { queue: "reads of a watch", limit, unit: "messages" },
      );
    }
    return await new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Until it is closed, or fails for good. */
  async #run(): Promise<void> {
    try {
      await this.#began;
      while (!this.#isClosed) {
        await this.#poll();
        if (this.#batches.length > 0) await this.#drained();
      }
    } catch (error) {
      this.end(error);
    }
  }

  /** Resolves when readers have taken all there is. */
  async #drained(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      if (this.#isClosed) resolve();
    });
    this.#onDrained = undefined;
  }

  async #poll(): Promise<void> {
    const timeout = REMOTE_TIMES.pollMs + REMOTE_TIMES.pollGraceMs;
    const answer = await this.#patiently("poll", { range: this.#range, from: this.#next }, timeout);
    if (answer === undefined || this.#isClosed) return;
    const { batches, next } = answer as PollAnswer;
    this.#next = next;
    for (const value of batches) {
      const reader = this.#waiting.shift();
      if (reader) reader.resolve({ done: false, value });
      else this.#batches.push(value);
    }
  }

  async #begin(from: Revision | undefined): Promise<Revision> {
    for (;;) {
      const timeout = REMOTE_TIMES.pollGraceMs;
      const first = await this.#patiently("begin", { range: this.#range, from }, timeout);
      if (typeof first === "number") return (this.#next = first);
      if (this.#isClosed) throw closedError("The watch");
    }
  }

  /** Undefined when it has to be asked again: a watch has all the time there is. */
  async #patiently(
    word: "begin" | "poll",
    request: { readonly range: KeyRange; readonly from: Revision | undefined },
    timeout: number,
  ): Promise<unknown> {
    const { signal } = this.#closing;
    const beganMs = this.#clock.now();
    try {
      return await this.#asking.ask(word, beginData(request), { signal, timeout });
    } catch (error) {
      if (this.#isClosed) return undefined;
      const isTransient =
        consensusErrors.ERR_NO_QUORUM.is(error) ||
        coreErrors.ERR_OUTCOME_UNKNOWN.is(error) ||
        coreErrors.ERR_TIMEOUT.is(error);
      if (!isTransient) throw error;
      const waitMs = beganMs + REMOTE_TIMES.retryMs - this.#clock.now();
      if (waitMs > 0) await this.#clock.sleep(waitMs, { signal }).catch(() => undefined);
      return undefined;
    }
  }
}
