/**
 * Translation: transactions of the engine as etcd's, and etcd's answers as the engine's. Pure.
 *
 * Two things differ. A value of a key that is not there is neither equal nor unequal to anything in etcd, but unequal to
 * everything here; so `value != x` becomes "not (value = x)", a transaction inside of the `then`, with the branches
 * changed round. And an empty range is refused by etcd, and here has no keys.
 */
import type {
  Comparison,
  LeaseId,
  Operation,
  OperationResult,
  Transaction,
  TransactionResult,
} from "../engine/engine.js";
import type { Keyspace } from "./keyspace.js";
import type {
  EtcdCompare,
  EtcdRequestOp,
  EtcdResponseOp,
  EtcdTxnRequest,
  EtcdTxnResponse,
} from "./messages.js";

const RESULTS = { "=": 0, ">": 1, "<": 2, "!=": 3 } as const;
const LEASE = /^[1-9][0-9]{0,18}$/;
const LEASE_MAX = 2n ** 63n - 1n;
const NOTHING = { pairs: [], count: 0 } as const;

/** Whether it changes nothing, whichever branch is taken, so that it may be repeated. */
export function isRead({ then, else: other = [] }: Transaction): boolean {
  return [...then, ...other].every(({ type }) => type === "range");
}

export function requestOf(transaction: Transaction, keys: Keyspace): EtcdTxnRequest {
  const comparisons = transaction.if ?? [];
  const success = operationsOf(transaction.then, keys);
  const failure = operationsOf(transaction.else ?? [], keys);
  let inner = success;
  for (const comparison of comparisons.filter(isInequality)) {
    const compare = [compareOf({ ...comparison, is: "=" }, keys)];
    inner = [{ request_txn: { compare, success: failure, failure: inner } }];
  }
  const compare = comparisons
    .filter((each) => !isInequality(each))
    .map((comparison) => compareOf(comparison, keys));
  return { compare, success: inner, failure };
}

export function resultOf(
  transaction: Transaction,
  answer: EtcdTxnResponse,
  keys: Keyspace,
): TransactionResult {
  let { succeeded, responses } = answer;
  for (const _ of (transaction.if ?? []).filter(isInequality)) {
    const inner = responses[0]?.response_txn;
    if (!succeeded || inner === undefined || inner === null) break;
    succeeded = !inner.succeeded;
    ({ responses } = inner);
  }
  const operations = succeeded ? transaction.then : (transaction.else ?? []);
  let taken = 0;
  const results = operations.map((operation): OperationResult => {
    if (isEmptyRange(operation, keys)) {
      return operation.type === "delete"
        ? { type: "delete", previous: [] }
        : { type: "range", ...NOTHING };
    }
    taken += 1;
    return operationResultOf(operation, responses[taken - 1], keys);
  });
  return { succeeded, revision: Number(answer.header?.revision ?? 0), results };
}

/** A lease's id as etcd's number, 0 for none; one that cannot be etcd's becomes one that no lease has. */
export function leaseOf(id: LeaseId | undefined): string {
  if (id === undefined) return "0";
  return LEASE.test(id) && BigInt(id) <= LEASE_MAX ? id : "-1";
}

function isInequality(comparison: Comparison): comparison is Comparison & { target: "value" } {
  return comparison.target === "value" && comparison.is === "!=";
}

function isEmptyRange(operation: Operation, keys: Keyspace): boolean {
  return operation.type !== "put" && keys.rangeOf(operation) === undefined;
}

function compareOf(comparison: Comparison, keys: Keyspace): EtcdCompare {
  const at = { key: keys.keyOf(comparison.key), result: RESULTS[comparison.is] };
  switch (comparison.target) {
    case "version":
      return { ...at, target: 0, version: comparison.than };
    case "createRevision":
      return { ...at, target: 1, create_revision: comparison.than };
    case "modRevision":
      return { ...at, target: 2, mod_revision: comparison.than };
    case "value":
      return { ...at, target: 3, value: comparison.than };
    case "lease":
      return { ...at, target: 4, lease: leaseOf(comparison.than) };
    default:
      return comparison satisfies never;
  }
}

function operationsOf(operations: readonly Operation[], keys: Keyspace): EtcdRequestOp[] {
  return operations
    .filter((operation) => !isEmptyRange(operation, keys))
    .map((operation) => operationOf(operation, keys));
}

function operationOf(operation: Operation, keys: Keyspace): EtcdRequestOp {
  if (operation.type === "put") {
    const { value, lease } = operation;
    // A copy: it is sent later, and what the caller changes until then is not meant.
    const put = { key: keys.keyOf(operation.key), value: new Uint8Array(value), prev_kv: true };
    return { request_put: lease === undefined ? put : { ...put, lease: leaseOf(lease) } };
  }
  const range = keys.rangeOf(operation) ?? { key: keys.keyOf(operation.key) };
  if (operation.type === "delete") return { request_delete_range: { ...range, prev_kv: true } };
  const { limit, revision, keysOnly } = operation;
  return {
    request_range: {
      ...range,
      ...(limit === undefined ? {} : { limit }),
      ...(revision === undefined ? {} : { revision }),
      ...(keysOnly === undefined ? {} : { keys_only: keysOnly }),
    },
  };
}

function operationResultOf(
  operation: Operation,
  response: EtcdResponseOp | undefined,
  keys: Keyspace,
): OperationResult {
  switch (operation.type) {
    case "range": {
      const { kvs = [], count = "0" } = response?.response_range ?? {};
      return { type: "range", pairs: kvs.map((each) => keys.pairOf(each)), count: Number(count) };
    }
    case "put": {
      const previous = response?.response_put?.prev_kv ?? null;
      return previous === null ? { type: "put" } : { type: "put", previous: keys.pairOf(previous) };
    }
    case "delete": {
      const { prev_kvs = [] } = response?.response_delete_range ?? {};
      return { type: "delete", previous: prev_kvs.map((each) => keys.pairOf(each)) };
    }
    default:
      return operation satisfies never;
  }
}
