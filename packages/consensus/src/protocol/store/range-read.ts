/**
 * readRange: the keys of a range, now or at a past revision.
 *
 * The past is the present with the changes since then undone (`History.undo`): both are in order, so they are merged,
 * and a page of a large range costs the page and what has changed since, not the range.
 */
import type {
  Change,
  KeyRange,
  KeyValue,
  Operation,
  OperationResult,
} from "../../engine/engine.js";
import { invalid } from "./check-request.js";
import { orderOf } from "./key-order.js";
import type { StoreLimits } from "./limits.js";
import type { StoreRefusal } from "./request.js";
import type { Store } from "./store.js";
import { plainPair } from "./stored-pair.js";

type RangeOperation = Extract<Operation, { type: "range" }>;
type RangeResult = Extract<OperationResult, { type: "range" }>;

const NOTHING = new Uint8Array(0);

/** @param pending changes of the transaction it is part of, so far */
export function readRange(
  store: Store,
  operation: RangeOperation,
  pending: readonly Change[],
): RangeResult | StoreRefusal {
  const { revision, limit, keysOnly } = operation;
  const refusal = revision === undefined ? undefined : checkRevision(store, revision);
  if (refusal) return refusal;
  const [from, to] = boundsOf(operation);
  const isNow = revision === undefined || (revision === store.revision && pending.length === 0);
  const past = isNow ? undefined : store.history.undo(revision, from, to, pending);
  const isPast = past !== undefined && past.size > 0;
  const count = store.pairs.count(from, to) + (isPast ? missing(store, past) : 0);
  const { rangeKeysMax: max } = store.limits;
  const wanted = Math.min(count, limit ?? count);
  if (wanted > max) return tooLarge("keys of a range", wanted, "rangeKeysMax", max);
  const pairs = isPast
    ? mergePast(store, from, to, past, wanted)
    : store.pairs.collect(from, to, wanted);
  return { type: "range", pairs: keysOnly === true ? pairs.map(withoutValue) : pairs, count };
}

/** A range as bounds of the sorted map. */
export function boundsOf({ key, end }: KeyRange): readonly [from: string, to: string] {
  const from = orderOf(key);
  // Nothing is between a text and the same with the least character appended.
  return [from, end === undefined ? `${from}\0` : orderOf(end)];
}

export function tooLarge(
  what: string,
  size: number,
  limit: keyof StoreLimits,
  max: number,
): StoreRefusal {
  return { reason: "too-large", what, size, limit, max };
}

function checkRevision(store: Store, revision: number): StoreRefusal | undefined {
  const { compacted } = store.history;
  if (revision < compacted) return { reason: "compacted", revision, compactedRevision: compacted };
  if (revision <= store.revision) return undefined;
  return invalid("revision of a range", `at most ${store.revision}, the newest`, String(revision));
}

/** How many more keys there were then. */
function missing(store: Store, past: ReadonlyMap<string, KeyValue | undefined>): number {
  let count = 0;
  for (const [order, then] of past) {
    count += (then ? 1 : 0) - (store.pairs.get(order) ? 1 : 0);
  }
  return count;
}

function mergePast(
  store: Store,
  from: string,
  to: string,
  past: ReadonlyMap<string, KeyValue | undefined>,
  wanted: number,
): KeyValue[] {
  const pairs: KeyValue[] = [];
  const orders = [...past.keys()].sort((a, b) => (a < b ? -1 : 1));
  let next = 0;
  const takeBefore = (order: string | undefined) => {
    for (; next < orders.length; next += 1) {
      const other = orders[next] as string;
      if (order !== undefined && other >= order) return;
      const then = past.get(other);
      if (then && pairs.length < wanted) pairs.push(then);
    }
  };
  for (const [order, pair] of store.pairs.entries(from, to)) {
    if (pairs.length >= wanted) break;
    takeBefore(order);
    if (!past.has(order) && pairs.length < wanted) pairs.push(pair);
  }
  takeBefore(undefined);
  return pairs;
}

function withoutValue(pair: KeyValue): KeyValue {
  return plainPair(pair, NOTHING);
}
