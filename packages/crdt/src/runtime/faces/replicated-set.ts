/**
 * ReplicatedSet: members every node may add and remove; where both happen at once the addition wins.
 *
 * An observed-remove set: a removal takes away the additions its node had seen, so one that it did
 * not know of stays. Members are plain data and equal by content.
 */
import type { CausalChange } from "../../protocol/causal/inputs.js";
import { elementOf, memberOf } from "../../protocol/types/elements.js";
import type { CausalStore, ChangeStreamOptions, StateHandle } from "../causal/causal-store.js";
import { handleOf, told, type WriteOptions } from "./replicated-map.js";

export interface SetChange<V> {
  readonly type: "add" | "delete";
  readonly value: V;
  /** True when this node made the change. */
  readonly local: boolean;
}

/** What `update` gives its function. */
export interface SetBatch<V> {
  has(value: V): boolean;
  add(value: V, options?: WriteOptions): void;
  delete(value: V): boolean;
}

/** A set of plain data; what is returned must not be changed. */
export interface ReplicatedSet<V> extends StateHandle {
  readonly size: number;
  has(value: V): boolean;
  /**
   * Adds a member; of one that is there already the addition is renewed, and its time to live.
   * @throws {ERR_NOT_ENCODABLE} @throws {ERR_INVALID_ARGUMENT} it is too long @throws {ERR_STORE_FULL}
   * @throws {ERR_CLOSED}
   */
  add(value: V, options?: WriteOptions): void;
  /** False when it is no member. @throws {ERR_CLOSED} */
  delete(value: V): boolean;
  /** Members in no order. */
  values(): IterableIterator<V>;
  /** Several writes at once: all of them, or none when `write` throws. */
  update(write: (batch: SetBatch<V>) => void): void;
  subscribe(listener: (change: SetChange<V>) => void): () => void;
  /** Later changes as a bounded stream. @throws {ERR_CLOSED} */
  changes(options?: ChangeStreamOptions): AsyncIterableIterator<SetChange<V>>;
}

export function replicatedSet<V>(store: CausalStore<V | null>): ReplicatedSet<V> {
  const has = (value: V) => store.head(elementOf(value).key) !== undefined;
  const add = (value: V, { ttl }: WriteOptions = {}) => {
    store.assertOpen();
    const { key, stored } = elementOf(store.intake.value("a member", value));
    store.intake.key(key);
    store.write(key, stored, ttl);
  };
  const remove = (value: V) => {
    store.assertOpen();
    return store.remove(elementOf(value).key);
  };
  return {
    ...handleOf(store),
    get name() {
      return store.name;
    },
    get size() {
      return store.size;
    },
    has,
    add,
    delete: remove,
    *values() {
      for (const { key, value } of store.heads()) yield memberOf<V>(key, value);
    },
    update: (write) => store.update(() => write({ has, add, delete: remove })),
    subscribe: (listener) => store.subscribe((change) => told(changeOf<V>(change), listener)),
    changes: (options) => store.stream((change) => changeOf<V>(change), options),
  };
}

function changeOf<V>(change: CausalChange<V | null>): SetChange<V> | undefined {
  const { key, before, after, local } = change;
  const [was] = before;
  const [is] = after;
  if (is !== undefined) {
    return was === undefined
      ? { type: "add", value: memberOf<V>(key, is.value), local }
      : undefined;
  }
  return was === undefined
    ? undefined
    : { type: "delete", value: memberOf<V>(key, was.value), local };
}
