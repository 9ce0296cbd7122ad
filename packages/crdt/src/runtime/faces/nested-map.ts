/**
 * NestedMap: a map of maps, whose leaves are registers, sets, counters and flags.
 *
 * An observed-remove map: removing a field removes what this node has seen below it, and what another
 * node writes below it at the same time survives. It is kept flat, as its leaves (protocol/types/
 * paths.ts); an index of the fields is kept beside, from the changes.
 *
 * A counter below a removed field: each node's part of it is removed as far as it was seen; a node
 * that counts on at the same time brings back its own part, the whole of it.
 */
import { coreErrors } from "@foundation/core";
import { NESTED_DEPTH_MAX } from "../../limits.js";
import { chainOf } from "../../protocol/causal/dot-table.js";
import type { CausalChange } from "../../protocol/causal/inputs.js";
import { countedOn, countOf, rowOf, totalOf } from "../../protocol/types/counter.js";
import { elementOf, memberOf } from "../../protocol/types/elements.js";
import { winnerOf } from "../../protocol/types/lww.js";
import { valuesOf } from "../../protocol/types/multi-value.js";
import {
  leafKey,
  parseLeaf,
  prefixOf,
  type LeafKind,
  type Path,
} from "../../protocol/types/paths.js";
import type { CausalStore, ChangeStreamOptions, StateHandle } from "../causal/causal-store.js";
import { checkedAmount } from "./counters.js";
import { handleOf, told, type WriteOptions } from "./replicated-map.js";

export interface NestedChange {
  /** The way to the leaf that changed. */
  readonly path: Path;
  readonly kind: LeafKind;
  /** True when this node made the change. */
  readonly local: boolean;
}

/** A register within a nested map. */
export interface NestedRegister<V> {
  readonly value: V | undefined;
  set(value: V, options?: WriteOptions): void;
}

/** A multi-value register within a nested map. */
export interface NestedValues<V> {
  readonly values: readonly V[];
  set(value: V): void;
}

/** A set within a nested map. */
export interface NestedSet<V> {
  readonly size: number;
  has(value: V): boolean;
  add(value: V, options?: WriteOptions): void;
  delete(value: V): boolean;
  values(): readonly V[];
}

/** A counter within a nested map. */
export interface NestedCounter {
  readonly value: number;
  increment(by?: number): void;
  decrement(by?: number): void;
}

/** An enable-wins flag within a nested map. */
export interface NestedFlag {
  readonly enabled: boolean;
  enable(): void;
  disable(): void;
}

/**
 * A map of maps. Each leaf is reached by its path, made by its first write, and gone with its last.
 * @throws {ERR_INVALID_ARGUMENT} (every method with a path) it is empty, too deep, or too long
 */
export interface NestedMap extends StateHandle {
  /** Leaves' parts: registers, members of sets, rows of counters. */
  readonly size: number;
  register<V>(...path: string[]): NestedRegister<V>;
  multiRegister<V>(...path: string[]): NestedValues<V>;
  set<V>(...path: string[]): NestedSet<V>;
  counter(...path: string[]): NestedCounter;
  flag(...path: string[]): NestedFlag;
  /** Whether anything is at or below a path. */
  has(...path: string[]): boolean;
  /** The fields right below a path, or the outermost ones, in no order. */
  fields(...path: string[]): readonly string[];
  /** Removes what this node has seen at and below a path; false when that is nothing. */
  delete(...path: string[]): boolean;
  /** Several writes at once: all of them, or none when `write` throws. */
  update(write: () => void): void;
  subscribe(listener: (change: NestedChange) => void): () => void;
  /** Later changes as a bounded stream. @throws {ERR_CLOSED} */
  changes(options?: ChangeStreamOptions): AsyncIterableIterator<NestedChange>;
}

export function nestedMap(store: CausalStore<unknown>): NestedMap {
  const index = new LeafIndex(store);
  for (const key of store.keys()) index.add(key);
  store.subscribe(({ key, after }) => (after.length > 0 ? index.add(key) : index.remove(key)));
  const leaves = new Leaves(store, index);
  return {
    ...handleOf(store),
    get name() {
      return store.name;
    },
    get size() {
      return store.size;
    },
    register: <V>(...path: string[]) => leaves.register<V>(path),
    multiRegister: <V>(...path: string[]) => leaves.values<V>(path),
    set: <V>(...path: string[]) => leaves.set<V>(path),
    counter: (...path) => leaves.counter(path),
    flag: (...path) => leaves.flag(path),
    has: (...path) => index.below(path).size > 0,
    fields: (...path) => index.fields(path),
    delete: (...path) => {
      store.assertOpen();
      const keys = [...index.below(checkedPath(path))];
      for (const key of keys) store.remove(key);
      return keys.length > 0;
    },
    update: (write) => store.update(write),
    subscribe: (listener) => store.subscribe((change) => told(changeOf(change), listener)),
    changes: (options) => store.stream(changeOf, options),
  };
}

/** Which leaves are at or below each path. */
class LeafIndex {
  readonly #store: Pick<CausalStore<unknown>, "overlaid">;
  readonly #below = new Map<string, Set<string>>();

  constructor(store: Pick<CausalStore<unknown>, "overlaid">) {
    this.#store = store;
  }

  add(key: string): void {
    for (const prefix of prefixes(key)) {
      const keys = this.#below.get(prefix);
      if (keys === undefined) this.#below.set(prefix, new Set([key]));
      else keys.add(key);
    }
  }

  remove(key: string): void {
    for (const prefix of prefixes(key)) {
      const keys = this.#below.get(prefix);
      keys?.delete(key);
      if (keys?.size === 0) this.#below.delete(prefix);
    }
  }

  below(path: Path): ReadonlySet<string> {
    const prefix = path.length === 0 ? "" : prefixOf(path);
    const kept = this.#below.get(prefix) ?? new Set();
    let keys: Set<string> | undefined;
    for (const [key, entry] of this.#store.overlaid()) {
      if (!prefixes(key).includes(prefix)) continue;
      keys ??= new Set(kept);
      if (entry === undefined) keys.delete(key);
      else keys.add(key);
    }
    return keys ?? kept;
  }

  fields(path: Path): readonly string[] {
    const fields = new Set<string>();
    for (const key of this.below(path)) {
      const field = parseLeaf(key)?.path[path.length];
      if (field !== undefined) fields.add(field);
    }
    return [...fields];
  }
}

function prefixes(key: string): readonly string[] {
  const path = parseLeaf(key)?.path ?? [];
  return ["", ...path.map((_, depth) => prefixOf(path.slice(0, depth + 1)))];
}

/** Reads and writes leaves by path. */
class Leaves {
  readonly #store: CausalStore<unknown>;
  readonly #index: LeafIndex;

  constructor(store: CausalStore<unknown>, index: LeafIndex) {
    this.#store = store;
    this.#index = index;
  }

  register<V>(path: Path): NestedRegister<V> {
    const store = this.#store;
    const key = this.#key(path, "register");
    return {
      get value() {
        return winnerOf(store.head(key))?.value as V | undefined;
      },
      set: (value, { ttl } = {}) => this.#write(key, value, ttl),
    };
  }

  values<V>(path: Path): NestedValues<V> {
    const store = this.#store;
    const key = this.#key(path, "values");
    return {
      get values() {
        return valuesOf(chainOf(store.head(key))) as readonly V[];
      },
      set: (value) => this.#write(key, value),
    };
  }

  set<V>(path: Path): NestedSet<V> {
    const keyOf = (value: V) => this.#key(path, "set", elementOf(value).key);
    const members = () => this.#items(path, "set");
    return {
      get size() {
        return members().length;
      },
      has: (value) => this.#store.head(keyOf(value)) !== undefined,
      add: (value, { ttl } = {}) => this.#write(keyOf(value), elementOf(value).stored, ttl),
      delete: (value) => this.#store.remove(keyOf(value)),
      values: () =>
        members().map(({ key, item }) =>
          memberOf<V>(item, this.#store.head(key)?.value as V | null),
        ),
    };
  }

  counter(path: Path): NestedCounter {
    const store = this.#store;
    const own = this.#key(path, "counter", store.own.id);
    const row = (key: string) => rowOf(chainOf(store.head(key)));
    const rows = () => this.#items(path, "counter");
    const change = (by: number) => {
      const next = countedOn(row(own), by);
      checkedAmount(Math.max(...next));
      this.#write(own, next);
    };
    return {
      get value() {
        const others = rows().flatMap(({ key }) => (key === own ? [] : [countOf(row(key))]));
        return totalOf([countOf(row(own)), ...others]);
      },
      increment: (by = 1) => change(checkedAmount(by)),
      decrement: (by = 1) => change(-checkedAmount(by)),
    };
  }

  flag(path: Path): NestedFlag {
    const store = this.#store;
    const key = this.#key(path, "flag");
    return {
      get enabled() {
        return store.head(key) !== undefined;
      },
      enable: () => this.#write(key, null),
      disable: () => void store.remove(key),
    };
  }

  #key(path: Path, kind: LeafKind, item = ""): string {
    const key = leafKey(checkedPath(path), kind, item);
    this.#store.intake.key(key);
    return key;
  }

  #write(key: string, value: unknown, ttl?: WriteOptions["ttl"]): void {
    this.#store.assertOpen();
    this.#store.write(key, this.#store.intake.value(key, value), ttl);
  }

  /** The live parts of a set or a counter. */
  #items(path: Path, kind: LeafKind): readonly { readonly key: string; readonly item: string }[] {
    const start = leafKey(path, kind);
    const found = [...this.#index.below(path)].filter((key) => key.startsWith(start));
    return found
      .filter((key) => this.#store.head(key) !== undefined)
      .map((key) => ({ key, item: key.slice(start.length) }));
  }
}

/** @throws {ERR_INVALID_ARGUMENT} */
function checkedPath(path: Path): Path {
  const isGood = path.length > 0 && path.length <= NESTED_DEPTH_MAX;
  if (isGood && path.every((field) => typeof field === "string" && field !== "")) return path;
  const expected = `1 to ${NESTED_DEPTH_MAX} texts that are not empty`;
  throw coreErrors.ERR_INVALID_ARGUMENT(
    `path must be ${expected}, found ${JSON.stringify(path).slice(0, 120)}; name a field`,
    { argument: "path", expected, found: String(path.length) },
  );
}

function changeOf({ key, local }: CausalChange<unknown>): NestedChange | undefined {
  const leaf = parseLeaf(key);
  return leaf === undefined ? undefined : { path: leaf.path, kind: leaf.kind, local };
}
