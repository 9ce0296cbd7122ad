/**
 * WatchHub: every open watch of one store.
 *
 * A watch keeps no batches: the store's history is its buffer, so a reader that is slow costs a number, and one that is
 * slower than the history is told so. The hub looks at each revision once, finds who wants it by key, and notes for each
 * the first revision it has not seen; a watch whose keys do not change costs nothing.
 *
 * Invariants: a watch gives a revision at most once, in order, and never a part; between `first` and the newest revision
 * it leaves out only what does not change its range; one that has nothing to give can never be compacted away.
 */
import { coreErrors } from "@foundation/core";
import type {
  Change,
  KeyRange,
  Revision,
  Watch,
  WatchBatch,
  WatchOptions,
} from "../engine/engine.js";
import { consensusErrors } from "../errors.js";
import { checkWatch } from "../protocol/store/check-request.js";
import { orderOf } from "../protocol/store/key-order.js";
import { boundsOf } from "../protocol/store/range-read.js";
import type { Store } from "../protocol/store/store.js";
import { abortedError, closedError, compactedError, refusalError } from "./engine-errors.js";
import { ENGINE_LIMITS } from "./limits.js";
import { copyOfBatch } from "./outward.js";

/** Resolves when the store holds everything that was answered before; the signal says that nobody waits. */
export type Fence = (signal: AbortSignal) => Promise<unknown>;

export class WatchHub {
  readonly #store: () => Store;
  /** Of one key each, by its order. */
  readonly #ofKeys = new Map<string, Set<StoreWatch>>();
  readonly #ofRanges = new Set<StoreWatch>();
  #open = 0;
  #told: Revision;

  /** @param store the one there is now: a snapshot may put another in its place */
  constructor(store: () => Store) {
    this.#store = store;
    this.#told = store().revision;
  }

  /** The one there is now. */
  get store(): Store {
    return this.#store();
  }

  /** The newest revision that watches were told of. */
  get told(): Revision {
    return this.#told;
  }

  /**
   * @param fence a watch without `from` begins when it resolves, at the newest revision then
   * @throws ERR_INVALID_ARGUMENT, ERR_REQUEST_TOO_LARGE, ERR_ENGINE_FULL
   */
  open(range: KeyRange, options: WatchOptions = {}, fence?: Fence): Watch {
    const refusal = checkWatch(range, options.from, this.#store().limits);
    if (refusal) throw refusalError(refusal);
    const { watchesMax: max } = ENGINE_LIMITS;
    if (this.#open >= max) {
      throw consensusErrors.ERR_ENGINE_FULL(
        `${max} watches are open; close those that are not needed, or watch a range for its keys`,
        { what: "watches", limit: "watchesMax", max },
      );
    }
    const watch = new StoreWatch(this, range, options.signal);
    this.#open += 1;
    this.#add(watch);
    watch.start(options.from, fence);
    return watch;
  }

  /** To be called when the store has changed. */
  notify(): void {
    const { revision, history } = this.#store();
    const next = this.#told + 1;
    if (next > revision) return;
    this.#told = revision;
    // Forgotten before it could be told: who wanted it cannot be known, so all look for themselves.
    if (next < history.compacted) for (const watch of this.#watches()) watch.miss(next);
    for (let told = Math.max(next, history.compacted); told <= revision; told += 1) {
      const batch = history.at(told);
      if (batch) this.#tell(batch);
    }
  }

  /** Ends every watch; `error` is what their readers get, if any. */
  close(error?: Error): void {
    for (const watch of this.#watches()) watch.end(error);
  }

  #tell(batch: WatchBatch): void {
    for (const change of batch.changes) {
      const order = orderOf(change.type === "put" ? change.pair.key : change.key);
      const watches = this.#ofKeys.get(order);
      if (watches) for (const watch of watches) watch.miss(batch.revision);
      for (const watch of this.#ofRanges) if (watch.has(order)) watch.miss(batch.revision);
    }
  }

  #add(watch: StoreWatch): void {
    if (watch.key === undefined) {
      this.#ofRanges.add(watch);
      return;
    }
    const others = this.#ofKeys.get(watch.key);
    if (others) others.add(watch);
    else this.#ofKeys.set(watch.key, new Set([watch]));
  }

  /** A watch has ended. */
  remove(watch: StoreWatch): void {
    this.#open -= 1;
    if (watch.key === undefined) {
      this.#ofRanges.delete(watch);
      return;
    }
    const others = this.#ofKeys.get(watch.key);
    others?.delete(watch);
    if (others?.size === 0) this.#ofKeys.delete(watch.key);
  }

  #watches(): StoreWatch[] {
    return [...this.#ofRanges, ...[...this.#ofKeys.values()].flatMap((watches) => [...watches])];
  }
}

interface Reader {
  resolve(result: IteratorResult<WatchBatch>): void;
  reject(error: unknown): void;
}

class StoreWatch implements Watch, AsyncIterator<WatchBatch> {
  /** The order of its key, when it is of one. */
  readonly key: string | undefined;
  readonly #hub: WatchHub;
  readonly #from: string;
  readonly #to: string;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.#end({ aborted: this.#signal?.reason });
  readonly #readers: Reader[] = [];
  /** The first revision it gives; undefined until the fence is passed. */
  #first: Revision | undefined;
  /** What is before this one was looked at, and is not looked at again; undefined until the fence is passed. */
  #next: Revision | undefined;
  /** The first revision that may concern it and was not given. */
  #missed: Revision | undefined;
  #ended: { readonly error?: Error | undefined; readonly aborted?: unknown } | undefined;
  /** Aborted when the watch has ended. */
  readonly #ending = new AbortController();
  #fence: Promise<void> | undefined;

  constructor(hub: WatchHub, range: KeyRange, signal: AbortSignal | undefined) {
    this.#hub = hub;
    [this.#from, this.#to] = boundsOf(range);
    this.key = range.end === undefined ? this.#from : undefined;
    this.#signal = signal;
  }

  /** Begins at `from`, or at the newest revision: now, or when the fence resolves. */
  start(from: Revision | undefined, fence: Fence | undefined): void {
    if (this.#signal?.aborted) {
      this.#onAbort();
      return;
    }
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (from !== undefined) this.#begin(from);
    else if (!fence) this.#begin(this.#hub.told + 1);
    else this.#fence = this.#beginBehind(fence);
  }

  async ready(): Promise<Revision> {
    await this.#fence;
    const ended = this.#ended;
    if (ended && "aborted" in ended) throw abortedError("A watch", ended.aborted);
    if (ended) throw ended.error ?? closedError("The watch");
    const first = this.#first as Revision;
    const { compacted } = this.#hub.store.history;
    if (this.#missed === first && first < compacted) throw compactedError(first, compacted);
    return first;
  }

  async next(): Promise<IteratorResult<WatchBatch>> {
    if (this.#ended) return this.#endResult();
    const batch = this.#take();
    if (batch) return { done: false, value: batch };
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
    this.#end({});
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Whether a key, by its order, is in the range. */
  has(order: string): boolean {
    return order >= this.#from && order < this.#to;
  }

  /** There is something at `revision` that it has to give, or may have. */
  miss(revision: Revision): void {
    if (this.#next === undefined || revision < this.#next) return;
    this.#missed ??= revision;
    this.#serve();
  }

  end(error: Error | undefined): void {
    this.#end({ error });
  }

  async close(): Promise<void> {
    this.#end({});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  readonly #fail = (error: unknown) => {
    this.#end({ error: error as Error });
  };

  #begin(first: Revision): void {
    if (this.#ended) return;
    this.#first = first;
    this.#next = first;
    this.#seek(first);
    this.#serve();
  }

  async #beginBehind(fence: Fence): Promise<void> {
    try {
      await fence(this.#ending.signal);
      this.#begin(this.#hub.told + 1);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Notes the first revision from this one on that changes its keys, or is forgotten; none so far is none. */
  #seek(from: Revision): void {
    const { store, told } = this.#hub;
    this.#missed = undefined;
    for (let revision = from; revision <= told; revision += 1) {
      const batch = revision < store.history.compacted ? undefined : store.history.at(revision);
      if (batch && !batch.changes.some((change) => this.#concerns(change))) continue;
      this.#missed = revision;
      return;
    }
    this.#next = Math.max(from, told + 1);
  }

  #concerns(change: Change): boolean {
    return this.has(orderOf(change.type === "put" ? change.pair.key : change.key));
  }

  #serve(): void {
    while (this.#readers.length > 0 && !this.#ended) {
      try {
        const value = this.#take();
        if (!value) return;
        this.#readers.shift()?.resolve({ done: false, value });
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  /** The next batch of its keys; undefined when there is none yet. */
  #take(): WatchBatch | undefined {
    const { history } = this.#hub.store;
    while (this.#missed !== undefined) {
      const revision = this.#missed;
      const batch = revision < history.compacted ? undefined : history.at(revision);
      if (!batch) throw compactedError(revision, history.compacted);
      // Looked for now and not when it is asked for: what is of no concern may be forgotten until then.
      this.#seek(revision + 1);
      const changes = batch.changes.filter((change) => this.#concerns(change));
      if (changes.length > 0) return copyOfBatch(batch, changes);
    }
    return undefined;
  }

  #end(end: { readonly error?: Error | undefined; readonly aborted?: unknown }): void {
    if (this.#ended) return;
    this.#ended = end;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#ending.abort();
    this.#hub.remove(this);
    let { error } = end;
    for (const reader of this.#readers.splice(0)) {
      if (error) reader.reject(error);
      else reader.resolve({ done: true, value: undefined });
      // One reader gets the error; whoever reads on finds the end.
      error = undefined;
    }
    if (end.error && !error) this.#ended = { ...end, error: undefined };
  }

  #endResult(): IteratorResult<WatchBatch> {
    const error = this.#ended?.error;
    if (!error) return { done: true, value: undefined };
    this.#ended = {};
    throw error;
  }
}
