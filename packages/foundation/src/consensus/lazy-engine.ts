/**
 * LazyEngine: an engine that is opened when it is used for the first time, so that a node whose application needs no
 * consensus pays nothing for it; and that moves when its node's place in the group does.
 *
 * The engine behind it may be closed under a request: it then did nothing, and the one that took its place is asked. A
 * watch goes on there from where it stood.
 */
import type {
  Engine,
  KeyRange,
  Watch,
  WatchBatch,
  WatchOptions,
} from "@foundation/consensus/recipes";
import { coreErrors } from "@foundation/core";

/** @param open gives the engine to ask now; called for every request, after the first one at once */
export function lazyEngine(open: () => Promise<Engine>): Engine {
  const ask = <Answer>(request: (engine: Engine) => Promise<Answer>): Promise<Answer> =>
    asked(open, request);
  return {
    txn: (transaction, options) => ask((engine) => engine.txn(transaction, options)),
    grantLease: (ttlMs, options) => ask((engine) => engine.grantLease(ttlMs, options)),
    keepLease: (id, options) => ask((engine) => engine.keepLease(id, options)),
    revokeLease: (id, options) => ask((engine) => engine.revokeLease(id, options)),
    compact: (revision, options) => ask((engine) => engine.compact(revision, options)),
    watch: (range, options = {}) => new LazyWatch(open, range, options),
    // Whoever opened it closes it.
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

async function asked<Answer>(
  open: () => Promise<Engine>,
  request: (engine: Engine) => Promise<Answer>,
): Promise<Answer> {
  for (;;) {
    const engine = await open();
    try {
      return await request(engine);
    } catch (error) {
      if (!coreErrors.ERR_CLOSED.is(error) || (await open()) === engine) throw error;
    }
  }
}

interface Place {
  readonly engine: Engine;
  readonly watch: Watch;
}

class LazyWatch implements Watch {
  readonly #open: () => Promise<Engine>;
  readonly #range: KeyRange;
  readonly #signal: AbortSignal;
  readonly #closing = new AbortController();
  #place: Promise<Place>;
  /** Where it goes on when it has to move; undefined before it has begun. */
  #next: number | undefined;

  constructor(open: () => Promise<Engine>, range: KeyRange, { signal, from }: WatchOptions) {
    const own = this.#closing.signal;
    this.#open = open;
    this.#range = range;
    this.#signal = signal === undefined ? own : AbortSignal.any([signal, own]);
    this.#next = from;
    this.#place = this.#opened();
  }

  async ready(): Promise<number> {
    for (;;) {
      const { engine, watch } = await this.#place;
      try {
        const first = await watch.ready();
        this.#next ??= first;
        return first;
      } catch (error) {
        if (!coreErrors.ERR_CLOSED.is(error) || !(await this.#moved(engine))) throw error;
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#place.then(
      ({ watch }) => watch.close(),
      () => undefined,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchBatch> {
    let place: Place | undefined;
    let iterator: AsyncIterator<WatchBatch> | undefined;
    const next = async (): Promise<IteratorResult<WatchBatch>> => {
      for (;;) {
        const now = await this.#place;
        if (now !== place) iterator = now.watch[Symbol.asyncIterator]();
        place = now;
        const result = await this.#read(now, iterator as AsyncIterator<WatchBatch>);
        if (result !== undefined) return result;
      }
    };
    return {
      next,
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  /** Undefined when the watch has moved: read it there. */
  async #read(
    { engine }: Place,
    iterator: AsyncIterator<WatchBatch>,
  ): Promise<IteratorResult<WatchBatch> | undefined> {
    try {
      const result = await iterator.next();
      if (result.done !== true) this.#next = result.value.revision + 1;
      else if (await this.#moved(engine)) return undefined;
      return result;
    } catch (error) {
      if (coreErrors.ERR_CLOSED.is(error) && (await this.#moved(engine))) return undefined;
      throw error;
    }
  }

  /** True when another engine took the place of this one: the watch is there now. */
  async #moved(from: Engine): Promise<boolean> {
    if (this.#signal.aborted) return false;
    const { engine } = await this.#place;
    if (engine !== from) return true;
    if ((await this.#open()) === from) return false;
    this.#place = this.#opened();
    return true;
  }

  #opened(): Promise<Place> {
    const place = this.#placed();
    // Who reads it is told.
    place.catch(() => undefined);
    return place;
  }

  async #placed(): Promise<Place> {
    const engine = await this.#open();
    const from = this.#next;
    const options = { signal: this.#signal, ...(from === undefined ? {} : { from }) };
    const watch = engine.watch(this.#range, options);
    // Where it begins is where it goes on, if it has given nothing by then.
    if (from === undefined) {
      watch.ready().then(
        (first) => (this.#next ??= first),
        () => undefined,
      );
    }
    return { engine, watch };
  }
}
