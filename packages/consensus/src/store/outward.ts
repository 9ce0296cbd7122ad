/**
 * Outward: copies of what the store gives out.
 *
 * The store's values are its own memory, on this member only: a caller that changed one would make this member another
 * than the rest. So nobody gets them but as copies.
 */
import type {
  Change,
  KeyValue,
  OperationResult,
  TransactionResult,
  WatchBatch,
} from "../engine/engine.js";

export function copyOfResult(result: TransactionResult): TransactionResult {
  return { ...result, results: result.results.map(copyOfOperation) };
}

/** @param changes those of the batch that are wanted */
export function copyOfBatch(batch: WatchBatch, changes: readonly Change[]): WatchBatch {
  return { revision: batch.revision, changes: changes.map(copyOfChange) };
}

function copyOfOperation(result: OperationResult): OperationResult {
  switch (result.type) {
    case "range":
      return { type: "range", pairs: result.pairs.map(copyOfPair), count: result.count };
    case "put":
      return result.previous
        ? { type: "put", previous: copyOfPair(result.previous) }
        : { type: "put" };
    case "delete":
      return { type: "delete", previous: result.previous.map(copyOfPair) };
    default:
      return result satisfies never;
  }
}

function copyOfChange(change: Change): Change {
  const previous = change.previous && { previous: copyOfPair(change.previous) };
  if (change.type === "put") return { type: "put", pair: copyOfPair(change.pair), ...previous };
  return { type: "delete", key: change.key, revision: change.revision, ...previous };
}

function copyOfPair(pair: KeyValue): KeyValue {
  return { ...pair, value: new Uint8Array(pair.value) };
}
