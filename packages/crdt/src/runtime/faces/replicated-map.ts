/**
 * ReplicatedMap: keys every node may write; of concurrent writes the last one is shown.
 *
 * A write takes the place of every write of the key its node had seen. Of writes that did not know of
 * each other the one with the later hybrid time is shown (protocol/types/lww.ts). A deletion takes
 * away what its node had seen: a write it did not know of survives it.
 */
import type { Duration } from "@foundation/core";
import type { CausalChange } from "../../protocol/causal/inputs.js";
import { stampOf, winnerAmong, winnerOf, type WriteStamp } from "../../protocol/types/lww.js";
import type { CausalStore, ChangeStreamOptions, StateHandle } from "../causal/causal-store.js";

/** Options of one write. */
export interface WriteOptions {
  /** The entry ends by itself after so long; a later write begins anew. @default never */
  readonly ttl?: Duration | undefined;
}

/** A change of what the readers of this node see. */
export type StateMapChange<V> =
  | {
      readonly type: "set";
      readonly key: string;
      readonly value: V;
      /** The value before; undefined when the key had none. */
      readonly previous: V | undefined;
      /** When and by whom the value was written. */
      readonly stamp: WriteStamp;
      /** True when this node made the change. */
      readonly local: boolean;
    }
  | {
      readonly type: "delete";
      readonly key: string;
      readonly previous: V;
      readonly local: boolean;
    };

/** What `update` gives its function: the same writes, kept until it returns. */
export interface MapBatch<V> {
  /** The value with the batch's own writes in place. */
  get(key: string): V | undefined;
  set(key: string, value: V, options?: WriteOptions): void;
  delete(key: string): boolean;
}

/** A map. Values are plain data; what is returned must not be changed. */
export interface ReplicatedMap<V> extends StateHandle {
  readonly size: number;
  get(key: string): V | undefined;
  has(key: string): boolean;
  /**
   * Writes a key; the others see it after the turn.
   * @throws {ERR_INVALID_ARGUMENT} the key or the time to live. @throws {ERR_NOT_ENCODABLE}
   * @throws {ERR_VALUE_TOO_LARGE} @throws {ERR_STORE_FULL} @throws {ERR_CLOSED}
   */
  set(key: string, value: V, options?: WriteOptions): void;
  /** False when the key has no value. @throws {ERR_CLOSED} */
  delete(key: string): boolean;
  /** Keys in no order. */
  keys(): IterableIterator<string>;
  /** Keys and values in no order. */
  entries(): IterableIterator<[string, V]>;
  /**
   * Several writes at once: all of them, or none when `write` throws; told to the others as one
   * delta, which arrives in parts only if it is large. @throws {ERR_INVALID_ARGUMENT} `write` goes on
   * after it has returned
   */
  update(write: (batch: MapBatch<V>) => void): void;
  /** Calls `listener` for each later change, in order; returns the function that ends it. */
  subscribe(listener: (change: StateMapChange<V>) => void): () => void;
  /** Later changes as a bounded stream. @throws {ERR_CLOSED} */
  changes(options?: ChangeStreamOptions): AsyncIterableIterator<StateMapChange<V>>;
}

export function replicatedMap<V>(store: CausalStore<V>): ReplicatedMap<V> {
  const get = (key: string) => winnerOf(store.head(key))?.value;
  const set = (key: string, value: V, { ttl }: WriteOptions = {}) => {
    store.assertOpen();
    store.intake.key(key);
    store.write(key, store.intake.value(key, value), ttl);
  };
  const remove = (key: string) => {
    store.assertOpen();
    return store.remove(key);
  };
  return {
    ...handleOf(store),
    get name() {
      return store.name;
    },
    get size() {
      return store.size;
    },
    get,
    has: (key) => store.head(key) !== undefined,
    set,
    delete: remove,
    keys: () => store.keys(),
    *entries() {
      for (const head of store.heads()) yield [head.key, winnerOf(head)?.value as V];
    },
    update: (write) => store.update(() => write({ get, set, delete: remove })),
    subscribe: (listener) => store.subscribe((change) => told(changeOf(change), listener)),
    changes: (options) => store.stream(changeOf, options),
  };
}

/** What all handles have alike. */
export function handleOf<V>(
  store: CausalStore<V>,
): Pick<StateHandle, "persisted" | "flush" | "close"> & AsyncDisposable {
  return {
    persisted: () => store.persisted(),
    flush: () => store.flush(),
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

/** Calls a listener unless there is nothing to tell. */
export function told<T>(change: T | undefined, listener: (change: T) => void): void {
  if (change !== undefined) listener(change);
}

function changeOf<V>({
  key,
  before,
  after,
  local,
}: CausalChange<V>): StateMapChange<V> | undefined {
  const was = winnerAmong(before);
  const is = winnerAmong(after);
  if (was === is) return undefined;
  if (is !== undefined) {
    const stamp = stampOf(is);
    return { type: "set", key, value: is.value, previous: was?.value, stamp, local };
  }
  return was === undefined ? undefined : { type: "delete", key, previous: was.value, local };
}
