/**
 * LazyEngine: an engine that is opened when it is used for the first time, so that a node whose application needs no
 * consensus pays nothing for it.
 */
import type {
  Engine,
  KeyRange,
  Watch,
  WatchBatch,
  WatchOptions,
} from "@foundation/consensus/recipes";

/** @param open gives the engine to ask now; called for every request, after the first one at once */
export function lazyEngine(open: () => Promise<Engine>): Engine {
  return {
    txn: async (transaction, options) => (await open()).txn(transaction, options),
    grantLease: async (ttlMs, options) => (await open()).grantLease(ttlMs, options),
    keepLease: async (id, options) => (await open()).keepLease(id, options),
    revokeLease: async (id, options) => (await open()).revokeLease(id, options),
    compact: async (revision, options) => (await open()).compact(revision, options),
    watch: (range, options = {}) => new LazyWatch(open, range, options),
    // Whoever opened it closes it.
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

class LazyWatch implements Watch {
  readonly #opened: Promise<Watch>;
  readonly #closing = new AbortController();

  constructor(open: () => Promise<Engine>, range: KeyRange, { signal, from }: WatchOptions) {
    const own = this.#closing.signal;
    const both = signal === undefined ? own : AbortSignal.any([signal, own]);
    const options = { signal: both, ...(from === undefined ? {} : { from }) };
    this.#opened = open().then((engine) => engine.watch(range, options));
    // Who reads it is told.
    this.#opened.catch(() => undefined);
  }

  async ready(): Promise<number> {
    return await (await this.#opened).ready();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#opened.then(
      (watch) => watch.close(),
      () => undefined,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchBatch> {
    let iterator: AsyncIterator<WatchBatch> | undefined;
    return {
      next: async () => {
        iterator ??= (await this.#opened)[Symbol.asyncIterator]();
        return await iterator.next();
      },
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }
}
