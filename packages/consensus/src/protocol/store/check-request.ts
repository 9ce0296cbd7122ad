/**
 * checkRequest: what can be said against a request without looking at the store.
 *
 * The engine asks before it sends anything, so that a mistake is found where it was made; the store asks again, because
 * what is in the log may come from anybody.
 */
import { shown } from "@foundation/core";
import type { Comparison, KeyRange, Operation, Transaction } from "../../engine/engine.js";
import { isBound, isKey, orderOf, utf8Bytes } from "./key-order.js";
import type { StoreLimits } from "./limits.js";
import type { StoreRefusal, StoreRequest } from "./request.js";

/** Undefined when nothing is wrong. */
export function checkRequest(request: StoreRequest, limits: StoreLimits): StoreRefusal | undefined {
  switch (request.type) {
    case "txn":
      return checkTransaction(request.transaction, limits);
    case "grant":
      return checkTtl(request.ttlMs, limits);
    case "keep":
      return checkCount("leases", request.leases.length, "keptLeasesMax", limits);
    case "revoke":
      return undefined;
    case "compact":
      return isRevision(request.revision)
        ? undefined
        : invalid("revision", "an integer from 1", String(request.revision));
    case "limit":
      return checkLimits(request.limits);
    default:
      return request satisfies never;
  }
}

/** Undefined when nothing is wrong with what a watch wants. */
export function checkWatch(
  range: KeyRange,
  from: number | undefined,
  limits: StoreLimits,
): StoreRefusal | undefined {
  if (from !== undefined && !isRevision(from)) {
    return invalid("from", "an integer from 1", String(from));
  }
  return checkRange(range, limits);
}

function checkTransaction(transaction: Transaction, limits: StoreLimits): StoreRefusal | undefined {
  const comparisons = transaction.if ?? [];
  const count = checkCount("comparisons", comparisons.length, "operationsMax", limits);
  if (count) return count;
  for (const comparison of comparisons) {
    const refusal = checkComparison(comparison, limits);
    if (refusal) return refusal;
  }
  return checkBranch(transaction.then, limits) ?? checkBranch(transaction.else ?? [], limits);
}

function checkComparison(comparison: Comparison, limits: StoreLimits): StoreRefusal | undefined {
  const { key, target, than } = comparison;
  if (target === "value") {
    return checkKey(key, limits) ?? checkValue(key, than, limits);
  }
  if (target !== "lease" && !(Number.isSafeInteger(than) && than >= 0)) {
    return invalid(`${target} of ${shown(key)}`, "compared with an integer from 0", String(than));
  }
  return checkKey(key, limits);
}

function checkBranch(
  operations: readonly Operation[],
  limits: StoreLimits,
): StoreRefusal | undefined {
  const count = checkCount("operations of a branch", operations.length, "operationsMax", limits);
  if (count) return count;
  for (const operation of operations) {
    const refusal = checkOperation(operation, limits);
    if (refusal) return refusal;
  }
  return checkOverlap(operations);
}

function checkOperation(operation: Operation, limits: StoreLimits): StoreRefusal | undefined {
  if (operation.type === "put") {
    const { key, value } = operation;
    return checkKey(key, limits) ?? checkValue(key, value, limits);
  }
  if (operation.type === "range") {
    const { limit, revision } = operation;
    if (limit !== undefined && !isRevision(limit)) {
      return invalid("limit of a range", "an integer from 1, or none", String(limit));
    }
    if (revision !== undefined && !isRevision(revision)) {
      return invalid("revision of a range", "an integer from 1, or none", String(revision));
    }
  }
  return checkRange(operation, limits);
}

/** No key may be changed twice in one revision: it would have two values at one time. */
function checkOverlap(operations: readonly Operation[]): StoreRefusal | undefined {
  const puts = new Set<string>();
  for (const operation of operations) {
    if (operation.type !== "put") continue;
    if (puts.has(operation.key)) return changedTwice(operation.key);
    puts.add(operation.key);
  }
  for (const operation of operations) {
    if (operation.type !== "delete") continue;
    if (operation.end === undefined) {
      if (puts.has(operation.key)) return changedTwice(operation.key);
      continue;
    }
    const [from, to] = [orderOf(operation.key), orderOf(operation.end)];
    for (const key of puts) {
      const order = orderOf(key);
      if (order >= from && order < to) return changedTwice(key);
    }
  }
  return undefined;
}

function changedTwice(key: string): StoreRefusal {
  return invalid("transaction", "at most one put or delete of a key in a branch", shown(key));
}

function checkRange({ key, end }: KeyRange, limits: StoreLimits): StoreRefusal | undefined {
  if (end === undefined) return checkKey(key, limits);
  if (!isBound(key) || !isBound(end)) {
    return invalid(
      "range",
      "texts without half of a surrogate pair",
      `${shown(key)} to ${shown(end)}`,
    );
  }
  // An end may have one character more than the longest key: that is how the range of a prefix ends.
  const size = Math.max(utf8Bytes(key), utf8Bytes(end));
  const max = limits.keyBytesMax + 4;
  if (size <= max) return undefined;
  return { reason: "too-large", what: "a bound of a range", size, limit: "keyBytesMax", max };
}

function checkKey(key: string, limits: StoreLimits): StoreRefusal | undefined {
  if (!isKey(key)) {
    return invalid("key", "a text that is not empty, in UTF-8, without U+10FFFF", shown(key));
  }
  const { keyBytesMax: max } = limits;
  if (key.length * 3 <= max) return undefined;
  const size = utf8Bytes(key);
  if (size <= max) return undefined;
  return { reason: "too-large", what: `the key ${shown(key)}`, size, limit: "keyBytesMax", max };
}

function checkValue(key: string, value: Uint8Array, limits: StoreLimits): StoreRefusal | undefined {
  if (!(value instanceof Uint8Array)) {
    return invalid(`value of ${shown(key)}`, "a Uint8Array", typeof value);
  }
  const { valueBytesMax: max } = limits;
  if (value.length <= max) return undefined;
  const what = `the value of ${shown(key)}`;
  return { reason: "too-large", what, size: value.length, limit: "valueBytesMax", max };
}

function checkTtl(ttlMs: number, limits: StoreLimits): StoreRefusal | undefined {
  const { leaseMsMin, leaseMsMax } = limits;
  if (ttlMs >= leaseMsMin && ttlMs <= leaseMsMax) return undefined;
  return invalid("ttlMs", `${leaseMsMin} to ${leaseMsMax} milliseconds`, String(ttlMs));
}

function checkLimits(limits: StoreLimits): StoreRefusal | undefined {
  for (const [name, value] of Object.entries(limits)) {
    if (!isRevision(value as number)) return invalid(name, "an integer from 1", String(value));
  }
  return undefined;
}

function checkCount(
  what: string,
  size: number,
  limit: keyof StoreLimits,
  limits: StoreLimits,
): StoreRefusal | undefined {
  const max = limits[limit];
  return size <= max ? undefined : { reason: "too-large", what, size, limit, max };
}

function isRevision(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

export function invalid(argument: string, expected: string, found: string): StoreRefusal {
  return { reason: "invalid", argument, expected, found };
}
