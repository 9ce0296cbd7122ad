/**
 * Transactions of the key-value store: conditions, what to do if all hold, and what to do else, as one atomic step.
 *
 * What a step answers is known from how it was written, so the results have types: `get` an entry or undefined, `put`
 * the entry that was there before, `remove` whether there was one.
 */
import type { Codec } from "@foundation/core/ports";
import type {
  Comparison,
  KeyValue,
  Operation,
  OperationResult,
  Revision,
  Transaction,
} from "../../engine/engine.js";
import { invalidArgument } from "../world.js";
import { entryOf, type KvEntry } from "./entry.js";

/** A condition; `when` makes them. */
export interface KvCondition {
  readonly key: string;
  readonly test:
    | { readonly type: "value"; readonly is: "=" | "!="; readonly value: unknown }
    | {
        readonly type: "version" | "revision" | "createRevision";
        readonly is: "=" | "!=" | "<" | ">";
        readonly than: number;
      };
}

/** One step of a transaction, whose answer is an `R`; `step` makes them. */
export interface KvStep<R> {
  readonly operation:
    | { readonly type: "get"; readonly key: string }
    | {
        readonly type: "put";
        readonly key: string;
        readonly value: unknown;
        readonly lease?: string;
      }
    | { readonly type: "remove"; readonly key: string };
  /** Only its type is used. */
  readonly answers?: (answer: R) => void;
}

/** The answers of steps, in their order. */
export type KvAnswers<Steps extends readonly KvStep<never>[]> = {
  readonly [I in keyof Steps]: Steps[I] extends KvStep<infer R> ? R : never;
};

/** What a transaction did. */
export type KvOutcome<Then, Else> =
  | { readonly succeeded: true; readonly revision: Revision; readonly results: Then }
  | { readonly succeeded: false; readonly revision: Revision; readonly results: Else };

/**
 * Conditions on a key. Values are equal when they are encoded equally: the fields of an object in the same order.
 *
 * @example
 * ```ts
 * import { createKv, createMemoryEngine, step, when } from "@foundation/consensus"
 *
 * const kv = createKv(createMemoryEngine())
 * const outcome = await kv.transaction({
 *   if: [when("leader").isAbsent()],
 *   then: [step.put("leader", "node-1"), step.put("term", 1)],
 * })
 * console.log(outcome.succeeded)
 * ```
 */
export function when(key: string) {
  const number =
    (type: "version" | "revision" | "createRevision") =>
    (is: "=" | "!=" | "<" | ">", than: number): KvCondition => ({ key, test: { type, is, than } });
  return {
    isAbsent: (): KvCondition => number("version")("=", 0),
    exists: (): KvCondition => number("version")(">", 0),
    equals: (value: unknown): KvCondition => ({ key, test: { type: "value", is: "=", value } }),
    differsFrom: (value: unknown): KvCondition => ({
      key,
      test: { type: "value", is: "!=", value },
    }),
    revision: number("revision"),
    createRevision: number("createRevision"),
    version: number("version"),
  };
}

/** The steps of a transaction. */
export const step = {
  /** Reads a key. */
  get<T = unknown>(key: string): KvStep<KvEntry<T> | undefined> {
    return { operation: { type: "get", key } };
  },
  /** Puts a value; answers what was there before. `lease` deletes it when that ends. */
  put<T>(
    key: string,
    value: T,
    { lease }: { readonly lease?: string | undefined } = {},
  ): KvStep<KvEntry<T> | undefined> {
    return { operation: { type: "put", key, value, ...(lease !== undefined && { lease }) } };
  },
  /** Deletes a key; answers whether it was there. */
  remove(key: string): KvStep<boolean> {
    return { operation: { type: "remove", key } };
  },
};

/** What a transaction needs of its store. */
export interface TransactionStore {
  readonly codec: Codec;
  keyOf(key: string): string;
  readonly prefix: string;
  encode(value: unknown): Uint8Array;
}

export function engineTransaction(
  store: TransactionStore,
  conditions: readonly KvCondition[],
  then: readonly KvStep<never>[],
  otherwise: readonly KvStep<never>[],
): Transaction {
  return {
    if: conditions.map((condition) => comparisonOf(store, condition)),
    then: then.map((step) => operationOf(store, step)),
    else: otherwise.map((step) => operationOf(store, step)),
  };
}

export function answersOf(
  store: TransactionStore,
  results: readonly OperationResult[],
): readonly unknown[] {
  const entry = (pair: KeyValue | undefined) => pair && entryOf(store.codec, store.prefix, pair);
  return results.map((result) => {
    switch (result.type) {
      case "range":
        return entry(result.pairs[0]);
      case "put":
        return entry(result.previous);
      case "delete":
        return result.previous.length > 0;
      default:
        return result satisfies never;
    }
  });
}

function comparisonOf(store: TransactionStore, { key, test }: KvCondition): Comparison {
  const at = store.keyOf(key);
  if (test.type !== "value") {
    const { type, is, than } = test;
    return { key: at, target: type === "revision" ? "modRevision" : type, is, than };
  }
  const { is, value } = test;
  // Absence has a condition of its own; encoded it would be equal to nothing.
  if (value === undefined) {
    return { key: at, target: "version", is: is === "=" ? "=" : ">", than: 0 };
  }
  return { key: at, target: "value", is, than: store.encode(value) };
}

function operationOf(store: TransactionStore, { operation }: KvStep<never>): Operation {
  const key = store.keyOf(operation.key);
  switch (operation.type) {
    case "get":
      return { type: "range", key };
    case "remove":
      return { type: "delete", key };
    case "put": {
      const { value, lease } = operation;
      if (value === undefined) {
        throw invalidArgument(`put("${operation.key}")`, "a value; remove() deletes", "undefined");
      }
      const encoded = store.encode(value);
      return { type: "put", key, value: encoded, ...(lease !== undefined && { lease }) };
    }
    default:
      return operation satisfies never;
  }
}
