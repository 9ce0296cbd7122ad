/** DocumentHandle: what one caller of `open` holds; closing it leaves the others' alone. */
import {
  boundedStream,
  coreErrors,
  parseDuration,
  type BoundedStreamOptions,
  type Clock,
  type NodeId,
} from "@foundation/core";
import type { Document, DocumentChange, SyncedOptions } from "./document.js";
import { documentLimits } from "./limits.js";
import type { Replica } from "./replica.js";

export interface HandleContext {
  holders(): number;
  readonly clock: Clock;
  nameOf(node: NodeId): string;
  /** Tells that this handle is given up. */
  close(): Promise<void>;
}

const SYNCED_MS = 10_000;

export class DocumentHandle<T> implements Document<T> {
  readonly id: string;
  readonly #replica: Replica<T>;
  readonly #context: HandleContext;
  readonly #ends = new Set<() => void>();
  #last: Readonly<T> | undefined;
  #closing: Promise<void> | undefined;

  constructor(id: string, replica: Replica<T>, context: HandleContext) {
    this.id = id;
    this.#replica = replica;
    this.#context = context;
  }

  get value(): Readonly<T> {
    return this.#last ?? this.#replica.doc;
  }

  get holders(): number {
    return this.#context.holders();
  }

  change(fn: (draft: T) => void, { message }: { readonly message?: string } = {}): void {
    this.#assertOpen();
    this.#replica.change(fn, message);
  }

  merge(saved: Uint8Array): void {
    this.#assertOpen();
    this.#replica.merge(saved);
  }

  save(): Uint8Array {
    this.#assertOpen();
    return this.#replica.save();
  }

  subscribe(listener: (change: DocumentChange<T>) => void): () => void {
    this.#assertOpen();
    const unsubscribe = this.#replica.subscribe(listener);
    const end = () => {
      unsubscribe();
      this.#ends.delete(end);
    };
    this.#ends.add(end);
    return end;
  }

  changes(
    options: Pick<BoundedStreamOptions, "signal" | "buffer" | "overflow"> = {},
  ): AsyncIterableIterator<DocumentChange<T>> {
    this.#assertOpen();
    let ended = () => {};
    const stream = boundedStream<DocumentChange<T>>({
      buffer: documentLimits.changesMax,
      ...options,
      name: `changes of document "${this.id}"`,
      onEnd: () => ended(),
    });
    if (stream.ended) return stream.iterator;
    const unsubscribe = this.subscribe((change) => void stream.push(change));
    const end = () => stream.end();
    this.#ends.add(end);
    ended = () => {
      unsubscribe();
      this.#ends.delete(end);
    };
    return stream.iterator;
  }

  async persisted(): Promise<void> {
    this.#assertOpen();
    await this.#replica.persisted();
  }

  async synced({ timeout = SYNCED_MS, signal }: SyncedOptions = {}): Promise<void> {
    this.#assertOpen();
    signal?.throwIfAborted();
    const timeoutMs = parseDuration(timeout, "timeout");
    const over = new AbortController();
    const end = () => over.abort();
    const timer = this.#context.clock.setTimer(timeoutMs, end);
    signal?.addEventListener("abort", end, { once: true });
    this.#ends.add(end);
    await this.#replica.settled(() => this.#replica.unaware().length === 0, over.signal);
    this.#ends.delete(end);
    timer.cancel();
    signal?.removeEventListener("abort", end);
    if (!over.signal.aborted) return;
    signal?.throwIfAborted();
    this.#assertOpen();
    const missing = this.#replica.unaware().map((node) => this.#context.nameOf(node));
    throw coreErrors.ERR_TIMEOUT(
      `Within ${timeoutMs} ms ${missing.join(", ")} did not tell that the document "${this.id}" is there as it is here`,
      { timeoutMs, target: missing.join(", ") },
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    // The last value stays readable: the memory behind it may be given back.
    this.#last = structuredClone(this.#replica.doc);
    for (const end of this.#ends) end();
    await this.#context.close();
  }

  #assertOpen(): void {
    if (this.#closing === undefined) return;
    throw coreErrors.ERR_CLOSED(`The document "${this.id}" was closed here`, { what: "document" });
  }
}
