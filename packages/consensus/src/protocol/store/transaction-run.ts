/**
 * runTransaction: one transaction against a store.
 *
 * Operations take effect one after the other, so a range sees the puts before it. What can be refused without running is
 * refused before; when an operation in the middle cannot be done, those before it are taken back.
 */
import type {
  Change,
  KeyRange,
  Operation,
  OperationResult,
  Revision,
  Transaction,
} from "../../engine/engine.js";
import { holds } from "./comparison.js";
import { orderOf } from "./key-order.js";
import { readRange, tooLarge } from "./range-read.js";
import type { StoreAnswer, StoreRefusal } from "./request.js";
import type { Store } from "./store.js";
import { storedPair, valueBytesOf } from "./stored-pair.js";

/** Executes a checked transaction. */
export function runTransaction(store: Store, transaction: Transaction): StoreAnswer {
  const comparisons = transaction.if ?? [];
  const succeeded = comparisons.every((one) => holds(one, store.pairs.get(orderOf(one.key))));
  const operations = succeeded ? transaction.then : (transaction.else ?? []);
  const run = new TransactionRun(store);
  const results: OperationResult[] = [];
  for (const operation of operations) {
    const result = run.counted(run.operate(operation));
    if ("reason" in result) {
      run.takeBack();
      return { type: "refused", refusal: result };
    }
    results.push(result);
  }
  const revision = store.commit(run.changes);
  return { type: "txn", result: { succeeded, revision, results } };
}

class TransactionRun {
  readonly changes: Change[] = [];
  readonly #store: Store;
  readonly #revision: Revision;
  #keys = 0;
  #bytes = 0;

  constructor(store: Store) {
    this.#store = store;
    this.#revision = store.revision + 1;
  }

  operate(operation: Operation): OperationResult | StoreRefusal {
    switch (operation.type) {
      case "range":
        return readRange(this.#store, operation, this.changes);
      case "put":
        return this.#put(operation.key, operation.value, operation.lease);
      case "delete":
        return this.#delete(operation);
      default:
        return operation satisfies never;
    }
  }

  /** The result, unless with those before it it is more than one answer may have. */
  counted(result: OperationResult | StoreRefusal): OperationResult | StoreRefusal {
    if ("reason" in result || result.type === "put") return result;
    const pairs = result.type === "range" ? result.pairs : result.previous;
    const { rangeKeysMax, answerBytesMax } = this.#store.limits;
    this.#keys += pairs.length;
    for (const pair of pairs) this.#bytes += valueBytesOf(pair);
    if (this.#keys > rangeKeysMax) {
      return tooLarge("keys of a transaction", this.#keys, "rangeKeysMax", rangeKeysMax);
    }
    if (this.#bytes <= answerBytesMax) return result;
    return tooLarge("values of a transaction", this.#bytes, "answerBytesMax", answerBytesMax);
  }

  /** Undoes what was written, newest first. */
  takeBack(): void {
    for (const change of this.changes.reverse()) {
      const key = change.type === "put" ? change.pair.key : change.key;
      this.#store.write(orderOf(key), change.previous);
    }
  }

  #put(key: string, value: Uint8Array, lease: string | undefined): OperationResult | StoreRefusal {
    const store = this.#store;
    if (lease !== undefined && !store.leases.get(lease)) return { reason: "lease-lost", lease };
    const order = orderOf(key);
    const before = store.pairs.get(order);
    const pair = storedPair({
      key,
      value,
      createRevision: before?.createRevision ?? this.#revision,
      modRevision: this.#revision,
      version: (before?.version ?? 0) + 1,
      ...(lease !== undefined && { lease }),
    });
    const bytesBefore = store.bytes;
    store.write(order, pair);
    this.changes.push(before ? { type: "put", pair, previous: before } : { type: "put", pair });
    const { storeBytesMax: max } = store.limits;
    // What makes the store smaller is let through, also when its limit was lowered.
    if (store.bytes > max && store.bytes > bytesBefore) {
      return { reason: "full", what: "bytes", limit: "storeBytesMax", max };
    }
    return before ? { type: "put", previous: before } : { type: "put" };
  }

  #delete(range: KeyRange): OperationResult | StoreRefusal {
    const store = this.#store;
    const found = readRange(store, { type: "range", key: range.key, ...endOf(range) }, []);
    if ("reason" in found || found.type !== "range") return found;
    for (const previous of found.pairs) {
      store.write(orderOf(previous.key), undefined);
      const { key } = previous;
      this.changes.push({ type: "delete", key, revision: this.#revision, previous });
    }
    return { type: "delete", previous: found.pairs };
  }
}

function endOf({ end }: KeyRange): { end?: string } {
  return end === undefined ? {} : { end };
}
