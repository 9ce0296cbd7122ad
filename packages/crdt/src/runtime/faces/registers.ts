/**
 * Registers: one value every node may set.
 *
 * `register` shows of concurrent settings the last one by hybrid time; `multiRegister` shows all of
 * them until somebody who has seen them sets it again.
 */
import { chainOf } from "../../protocol/causal/dot-table.js";
import type { CausalChange } from "../../protocol/causal/inputs.js";
import { stampOf, winnerAmong, winnerOf, type WriteStamp } from "../../protocol/types/lww.js";
import { valuesOf } from "../../protocol/types/multi-value.js";
import type { CausalStore, ChangeStreamOptions, StateHandle } from "../causal/causal-store.js";
import { handleOf, told, type WriteOptions } from "./replicated-map.js";

export interface RegisterChange<V> {
  /** Undefined: it was cleared, or its time to live is over. */
  readonly value: V | undefined;
  readonly previous: V | undefined;
  /** When and by whom the value was set. */
  readonly stamp: WriteStamp | undefined;
  /** True when this node made the change. */
  readonly local: boolean;
}

/** A value; what is returned must not be changed. */
export interface Register<V> extends StateHandle {
  readonly value: V | undefined;
  /**
   * @throws {ERR_NOT_ENCODABLE} @throws {ERR_VALUE_TOO_LARGE} @throws {ERR_CLOSED}
   * @throws {ERR_INVALID_ARGUMENT} the time to live
   */
  set(value: V, options?: WriteOptions): void;
  /** Takes away what this node has seen. @throws {ERR_CLOSED} */
  clear(): void;
  subscribe(listener: (change: RegisterChange<V>) => void): () => void;
  /** Later changes as a bounded stream. @throws {ERR_CLOSED} */
  changes(options?: ChangeStreamOptions): AsyncIterableIterator<RegisterChange<V>>;
}

export interface MultiRegisterChange<V> {
  readonly values: readonly V[];
  /** True when this node made the change. */
  readonly local: boolean;
}

/** A value that may be several at once; what is returned must not be changed. */
export interface MultiRegister<V> extends StateHandle {
  /** The concurrent settings, the latest first; one when nobody disagrees, none before the first. */
  readonly values: readonly V[];
  /**
   * Takes the place of all settings this node has seen.
   * @throws {ERR_NOT_ENCODABLE} @throws {ERR_VALUE_TOO_LARGE} @throws {ERR_CLOSED}
   */
  set(value: V): void;
  /** Takes away what this node has seen. @throws {ERR_CLOSED} */
  clear(): void;
  subscribe(listener: (change: MultiRegisterChange<V>) => void): () => void;
  /** Later changes as a bounded stream. @throws {ERR_CLOSED} */
  changes(options?: ChangeStreamOptions): AsyncIterableIterator<MultiRegisterChange<V>>;
}

const KEY = "value";

export function register<V>(store: CausalStore<V>): Register<V> {
  return {
    ...settingOf(store),
    get name() {
      return store.name;
    },
    get value() {
      return winnerOf(store.head(KEY))?.value;
    },
    subscribe: (listener) => store.subscribe((change) => told(registerChange(change), listener)),
    changes: (options) => store.stream(registerChange, options),
  };
}

export function multiRegister<V>(store: CausalStore<V>): MultiRegister<V> {
  return {
    ...settingOf(store),
    get name() {
      return store.name;
    },
    get values() {
      return valuesOf(chainOf(store.head(KEY)));
    },
    subscribe: (listener) => store.subscribe((change) => listener(valuesChange(change))),
    changes: (options) => store.stream(valuesChange, options),
  };
}

function settingOf<V>(store: CausalStore<V>) {
  return {
    ...handleOf(store),
    set: (value: V, { ttl }: WriteOptions = {}) => {
      store.assertOpen();
      store.write(KEY, store.intake.value(KEY, value), ttl);
    },
    clear: () => {
      store.assertOpen();
      store.remove(KEY);
    },
  };
}

function registerChange<V>({
  before,
  after,
  local,
}: CausalChange<V>): RegisterChange<V> | undefined {
  const was = winnerAmong(before);
  const is = winnerAmong(after);
  if (was === is) return undefined;
  const stamp = is === undefined ? undefined : stampOf(is);
  return { value: is?.value, previous: was?.value, stamp, local };
}

function valuesChange<V>({ after, local }: CausalChange<V>): MultiRegisterChange<V> {
  return { values: valuesOf(after), local };
}
