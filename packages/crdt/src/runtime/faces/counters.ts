/**
 * Counters every node may change without asking: growing only, and up and down.
 */
import { coreErrors } from "@foundation/core";
import { chainOf } from "../../protocol/causal/dot-table.js";
import type { CausalChange } from "../../protocol/causal/inputs.js";
import {
  countedOn,
  countOf,
  rowOf,
  totalOf,
  type CounterRow,
} from "../../protocol/types/counter.js";
import type { CausalStore, ChangeStreamOptions, StateHandle } from "../causal/causal-store.js";
import { handleOf, told } from "./replicated-map.js";

export interface CounterChange {
  readonly value: number;
  /** By how much it changed. */
  readonly by: number;
  /** True when this node made the change. */
  readonly local: boolean;
}

/** A counter that only grows. */
export interface GrowCounter extends StateHandle {
  readonly value: number;
  /** @param by above 0 @default 1 @throws {ERR_INVALID_ARGUMENT} @throws {ERR_CLOSED} */
  increment(by?: number): void;
  /** Several increments told to the others at once: all of them, or none when `write` throws. */
  update(write: (batch: Pick<GrowCounter, "value" | "increment">) => void): void;
  subscribe(listener: (change: CounterChange) => void): () => void;
  /** Later changes as a bounded stream. @throws {ERR_CLOSED} */
  changes(options?: ChangeStreamOptions): AsyncIterableIterator<CounterChange>;
}

/** A counter. */
export interface Counter extends Omit<GrowCounter, "update"> {
  /** @param by above 0 @default 1 @throws {ERR_INVALID_ARGUMENT} @throws {ERR_CLOSED} */
  decrement(by?: number): void;
  update(write: (batch: Pick<Counter, "value" | "increment" | "decrement">) => void): void;
}

export function growCounter(store: CausalStore<CounterRow>): GrowCounter {
  const { increment, ...rest } = partsOf(store);
  return {
    ...rest,
    get name() {
      return store.name;
    },
    get value() {
      return sumOf(store);
    },
    increment,
    update(write) {
      store.update(() => write(this));
    },
  };
}

export function counter(store: CausalStore<CounterRow>): Counter {
  const decrement = (by = 1) => changeBy(store, -checkedAmount(by));
  return {
    ...partsOf(store),
    get name() {
      return store.name;
    },
    get value() {
      return sumOf(store);
    },
    decrement,
    update(write) {
      store.update(() => write(this));
    },
  };
}

/** The sum over all rows, with this node's as a running `update` has it. */
export function sumOf(store: CausalStore<CounterRow>): number {
  const counts = [countOf(rowOf(chainOf(store.head(store.own.id))))];
  for (const key of store.keys()) {
    if (key !== store.own.id) counts.push(countOf(rowOf(chainOf(store.head(key)))));
  }
  return totalOf(counts);
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkedAmount(by: number, isWhole = false): number {
  if (
    typeof by === "number" &&
    by > 0 &&
    (isWhole ? Number.isSafeInteger(by) : Number.isFinite(by))
  )
    return by;
  const expected = isWhole ? "a whole number above 0" : "a number above 0";
  throw coreErrors.ERR_INVALID_ARGUMENT(
    `by must be ${expected}, found ${String(by)}; what counts down is decrement, where there is one`,
    { argument: "by", expected, found: String(by) },
  );
}

function changeBy(store: CausalStore<CounterRow>, by: number): void {
  store.assertOpen();
  const key = store.own.id;
  const row = countedOn(rowOf(chainOf(store.head(key))), by);
  // A total that is no number would count as nothing at all.
  checkedAmount(Math.max(...row));
  store.write(key, row);
}

function partsOf(store: CausalStore<CounterRow>) {
  const read = (change: CausalChange<CounterRow>) => changeOf(store, change);
  return {
    ...handleOf(store),
    increment: (by = 1) => changeBy(store, checkedAmount(by)),
    subscribe: (listener: (change: CounterChange) => void) =>
      store.subscribe((change) => told(read(change), listener)),
    changes: (options?: ChangeStreamOptions) => store.stream(read, options),
  };
}

function changeOf(
  store: CausalStore<CounterRow>,
  { before, after, local }: CausalChange<CounterRow>,
): CounterChange | undefined {
  const by = countOf(rowOf(after)) - countOf(rowOf(before));
  return by === 0 ? undefined : { value: sumOf(store), by, local };
}
