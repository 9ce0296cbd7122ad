/**
 * Outward: copies of what the store gives out.
 *
 * The store's values are its own memory, on this member only: a caller that changed one would make this member another
 * than the rest. So nobody gets them but as copies.
 */
import type { Change, OperationResult, TransactionResult, WatchBatch } from "../engine/engine.js";
import type { StoreResponse } from "../protocol/store/replicated-store.js";
import { ownPair } from "../protocol/store/stored-pair.js";

export function copyOfResult(result: TransactionResult): TransactionResult {
  return { ...result, results: result.results.map(copyOfOperation) };
}

/** What a member answers over the wire: plain data. */
export function copyOfResponse(response: StoreResponse): StoreResponse {
  if (response.type !== "done" || response.response.type !== "txn") return response;
  const { type, result } = response.response;
  return { ...response, response: { type, result: copyOfResult(result) } };
}

/** @param changes those of the batch that are wanted */
export function copyOfBatch(batch: WatchBatch, changes: readonly Change[]): WatchBatch {
  return { revision: batch.revision, changes: changes.map(copyOfChange) };
}

function copyOfOperation(result: OperationResult): OperationResult {
  switch (result.type) {
    case "range":
      return { type: "range", pairs: result.pairs.map(ownPair), count: result.count };
    case "put":
      return result.previous
        ? { type: "put", previous: ownPair(result.previous) }
        : { type: "put" };
    case "delete":
      return { type: "delete", previous: result.previous.map(ownPair) };
    default:
      return result satisfies never;
  }
}

function copyOfChange(change: Change): Change {
  const previous = change.previous && { previous: ownPair(change.previous) };
  if (change.type === "put") return { type: "put", pair: ownPair(change.pair), ...previous };
  return { type: "delete", key: change.key, revision: change.revision, ...previous };
}
