/**
 * Kv: keys with values, one linearizable store for the whole cluster.
 *
 * Guarantee: every operation takes effect at one moment between its call and its answer, in one order for all clients;
 * a watch gives every change of its keys once, in that order. Limit: an operation that ends with `ERR_OUTCOME_UNKNOWN` may
 * have taken effect, or may yet; nothing is repeated behind the caller's back, for a put that comes twice may overwrite
 * another's. Absent is `undefined`, which therefore is no value.
 */
import { isDeepStrictEqual } from "node:util";
import { parseDuration, type Duration } from "@foundation/core";
import type {
  Engine,
  KeyRange,
  KeyValue,
  LeaseId,
  Operation,
  RequestOptions,
  Revision,
} from "../../engine/engine.js";
import { rangeOf } from "../../engine/engine.js";
import { pagesOf } from "../follow.js";
import { RECIPE_LIMITS } from "../limits.js";
import { pairsOf } from "../sessions/session.js";
import { checkInteger, invalidArgument, recipeWorld, type RecipeOptions } from "../world.js";
import { entryOf, type KvEntry } from "./entry.js";
import {
  answersOf,
  engineTransaction,
  type KvAnswers,
  type KvCondition,
  type KvOutcome,
  type KvStep,
  type TransactionStore,
} from "./transaction.js";
import { watchKv, type KvWatch, type KvWatchOptions } from "./watch.js";

/** How to put a value. */
export interface PutOptions extends RequestOptions {
  /** Deletes the key when this has passed, unless it is put again before. @default it stays */
  readonly ttl?: Duration | undefined;
  /** Deletes the key when this lease ends. Not together with `ttl`. */
  readonly lease?: LeaseId | undefined;
}

/** Which keys, in the order of their bytes: those that begin with a prefix, or from `from` up to, without, `to`. */
export type KvRange = string | { readonly from: string; readonly to: string };

export interface RangeOptions extends RequestOptions {
  /** At most so many. @default all */
  readonly limit?: number | undefined;
  /** How many to fetch at once. @default 500 */
  readonly pageSize?: number | undefined;
  /** As of then; all pages are of one revision. @default the newest when it begins */
  readonly revision?: Revision | undefined;
}

/** A transaction: `step` makes its steps, `when` its conditions. */
export interface KvTransaction<
  Then extends readonly KvStep<never>[],
  Else extends readonly KvStep<never>[],
> {
  /** All of these must hold for `then`. @default none */
  readonly if?: readonly KvCondition[] | undefined;
  readonly then: Then;
  readonly else?: Else | undefined;
}

/** A linearizable store of keys. */
export interface Kv {
  get<T = unknown>(key: string, options?: RequestOptions): Promise<T | undefined>;
  /** As `get`, with revision and version. */
  getEntry<T = unknown>(key: string, options?: RequestOptions): Promise<KvEntry<T> | undefined>;
  /** Resolves to the revision of the store. @throws {ERR_NOT_ENCODABLE}, {ERR_INVALID_ARGUMENT} for undefined */
  put(key: string, value: unknown, options?: PutOptions): Promise<Revision>;
  /** Whether there was something to delete. */
  delete(key: string, options?: RequestOptions): Promise<boolean>;
  /** Deletes all keys of a range at once; how many there were. */
  deleteRange(range: KvRange, options?: RequestOptions): Promise<number>;
  /**
   * Puts `next` if the value is `expected`, deeply; `undefined` stands for no value, so it can also make or delete.
   * Resolves to whether it did.
   */
  compareAndSet(
    key: string,
    expected: unknown,
    next: unknown,
    options?: PutOptions,
  ): Promise<boolean>;
  /** Steps that take effect together, if conditions hold. @throws as the engine's `txn` */
  transaction<
    const Then extends readonly KvStep<never>[],
    const Else extends readonly KvStep<never>[] = readonly [],
  >(
    transaction: KvTransaction<Then, Else>,
    options?: RequestOptions,
  ): Promise<KvOutcome<KvAnswers<Then>, KvAnswers<Else>>>;
  /** Entries in the order of their keys' bytes, all of one revision. @throws {ERR_REVISION_COMPACTED} it took too long */
  range<T = unknown>(range: KvRange, options?: RangeOptions): AsyncIterableIterator<KvEntry<T>>;
  /** Changes of the keys that begin with a text, or of one key. */
  watch<T = unknown>(keys: string | { readonly key: string }, options?: KvWatchOptions): KvWatch<T>;
}

/**
 * A key-value store over an engine. Keys of other recipes are out of its reach.
 *
 * @example
 * ```ts
 * import { createKv, createMemoryEngine } from "@foundation/consensus"
 *
 * const engine = createMemoryEngine()
 * const kv = createKv(engine)
 * await kv.put("prices/tea", { cents: 250 })
 * console.log(await kv.compareAndSet("prices/tea", { cents: 250 }, { cents: 260 })) // true
 * for await (const { key, value } of kv.range("prices/")) console.log(key, value)
 * await engine.close()
 * ```
 */
export function createKv(engine: Engine, options: RecipeOptions = {}): Kv {
  const world = recipeWorld(engine, options);
  const prefix = `${world.prefix}kv/`;
  const { codec } = world;
  const store: TransactionStore = {
    codec,
    prefix,
    keyOf: (key) => keyOf(prefix, key),
    encode: (value) => codec.encode(value),
  };
  const getEntry = async <T>(key: string, request?: RequestOptions) => {
    const { results } = await engine.txn(
      { then: [{ type: "range", key: store.keyOf(key) }] },
      request,
    );
    const [pair] = pairsOf(results[0]);
    return pair && entryOf<T>(codec, prefix, pair);
  };
  return {
    getEntry,
    get: async <T>(key: string, request?: RequestOptions) =>
      (await getEntry<T>(key, request))?.value,
    async put(key, value, request = {}) {
      const { revision } = await withLease(engine, request, (lease) =>
        engine.txn({ then: [putOf(store, key, value, lease)] }, request),
      );
      return revision;
    },
    async delete(key, request) {
      return (await deleted(engine, { key: store.keyOf(key) }, request)) > 0;
    },
    deleteRange: (range, request) => deleted(engine, rangeIn(prefix, range), request),
    compareAndSet: (key, expected, next, request = {}) =>
      withLease(engine, request, (lease) =>
        compareAndSet(engine, store, { key, expected, next, lease }, request),
      ),
    async transaction({ if: conditions = [], then, else: otherwise = [] }, request) {
      const steps = engineTransaction(store, conditions, then, otherwise);
      const { succeeded, revision, results } = await engine.txn(steps, request);
      return { succeeded, revision, results: answersOf(store, results) } as never;
    },
    async *range<T>(range: KvRange, request: RangeOptions = {}) {
      const { limit = Number.POSITIVE_INFINITY, revision, pageSize } = request;
      if (pageSize !== undefined) checkInteger("pageSize", pageSize, 1, 10_000);
      const pageKeys = Math.min(limit, pageSize ?? RECIPE_LIMITS.pageKeys);
      const signal = request.signal ?? new AbortController().signal;
      let left = limit;
      if (left < 1) return;
      for await (const page of pagesOf(world, rangeIn(prefix, range), {
        signal,
        revision,
        pageKeys,
      })) {
        for (const pair of page.pairs.slice(0, left)) yield entryOf<T>(codec, prefix, pair);
        left -= page.pairs.length;
        if (left <= 0) return;
      }
    },
    watch: <T>(keys: string | { readonly key: string }, watching: KvWatchOptions = {}) => {
      const range =
        typeof keys === "string" ? rangeOf(prefix + keys) : { key: store.keyOf(keys.key) };
      return watchKv<T>(world, prefix, range, watching);
    },
  };
}

interface Swap {
  readonly key: string;
  readonly expected: unknown;
  readonly next: unknown;
  readonly lease: LeaseId | undefined;
}

async function compareAndSet(
  engine: Engine,
  store: TransactionStore,
  { key, expected, next, lease }: Swap,
  request: RequestOptions,
): Promise<boolean> {
  const at = store.keyOf(key);
  const change: Operation =
    next === undefined ? { type: "delete", key: at } : putOf(store, key, next, lease);
  const look: Operation = { type: "range", key: at };
  const attempt = (condition: NonNullable<Parameters<Engine["txn"]>[0]["if"]>[number]) =>
    engine.txn({ if: [condition], then: [change], else: [look] }, request);
  if (expected === undefined) {
    return (await attempt({ key: at, target: "version", is: "=", than: 0 })).succeeded;
  }
  const than = store.encode(expected);
  let answer = await attempt({ key: at, target: "value", is: "=", than });
  // Equal values may be encoded differently, by the order of their fields: then its revision stands for the value.
  for (let seen: KeyValue | undefined; !answer.succeeded; ) {
    seen = pairsOf(answer.results[0])[0];
    if (!seen || !isDeepStrictEqual(store.codec.decode(seen.value), expected)) return false;
    answer = await attempt({ key: at, target: "modRevision", is: "=", than: seen.modRevision });
  }
  return true;
}

/** Runs with the lease that the options ask for; one granted for nothing is given back. */
async function withLease<T>(
  engine: Engine,
  { ttl, lease, signal, timeout }: PutOptions,
  run: (lease: LeaseId | undefined) => Promise<T>,
): Promise<T> {
  if (ttl === undefined) return await run(lease);
  if (lease !== undefined)
    throw invalidArgument("ttl", "left out when lease is given", String(ttl));
  const ttlMs = parseDuration(ttl, "ttl");
  const request = { ...(signal && { signal }), ...(timeout !== undefined && { timeout }) };
  const granted = await engine.grantLease(ttlMs, request);
  // If this fails, what may still be put ends with its lease, as it would have anyway.
  const done = await run(granted.id);
  if (done === false) await engine.revokeLease(granted.id).catch(() => undefined);
  return done;
}

function putOf(
  store: TransactionStore,
  key: string,
  value: unknown,
  lease: LeaseId | undefined,
): Operation {
  if (value === undefined)
    throw invalidArgument(`put("${key}")`, "a value; delete() deletes", "undefined");
  const encoded = store.encode(value);
  return {
    type: "put",
    key: store.keyOf(key),
    value: encoded,
    ...(lease !== undefined && { lease }),
  };
}

async function deleted(engine: Engine, range: KeyRange, request?: RequestOptions): Promise<number> {
  const { results } = await engine.txn({ then: [{ type: "delete", ...range }] }, request);
  const [result] = results;
  return result?.type === "delete" ? result.previous.length : 0;
}

function rangeIn(prefix: string, range: KvRange): KeyRange {
  if (typeof range === "string") return rangeOf(prefix + range);
  return { key: prefix + range.from, end: prefix + range.to };
}

function keyOf(prefix: string, key: string): string {
  if (typeof key !== "string" || key === "") {
    throw invalidArgument("key", "a text that is not empty", key === "" ? '""' : typeof key);
  }
  return prefix + key;
}
