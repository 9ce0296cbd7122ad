/** What callers of a cache give: options, keys, records, functions, each checked before anything is done with it. */
import { checkFunction, checkOptions, invalidArgument } from "@foundation/core";
import type { Cache } from "./cache.js";

/** Names of the options of a call that only reads or deletes. */
const CALL_OPTIONS = ["signal", "timeout"];
/** Names of the options of a call that writes. */
const SET_OPTIONS = [...CALL_OPTIONS, "ttl", "staleFor", "tags"];
const BOUNDS = ["ttl", "staleFor", "maxEntries", "maxBytes", "limits"];
const LOCAL_OPTIONS = [...BOUNDS, "eviction", "name", "runtime"];
const SHARED_OPTIONS = ["topology", "replicas", "near", "consistency", "computeTimeout", "times"];
const OPEN_OPTIONS = [...BOUNDS, "eviction", ...SHARED_OPTIONS];
const NEAR_OPTIONS = ["ttl", "maxEntries", "maxBytes", "eviction"];

/** Options of a call that only reads or deletes. @throws {ERR_INVALID_ARGUMENT} */
export function checkCallOptions(cache: string, options: unknown): void {
  if (options !== undefined) checkOptions(`cache "${cache}"`, options, CALL_OPTIONS);
}

/** Options of a call that writes. @throws {ERR_INVALID_ARGUMENT} */
export function checkSetOptions(cache: string, options: unknown): void {
  checkOptions(`cache "${cache}"`, options, SET_OPTIONS);
}

/** Options of a cache of this process. @throws {ERR_INVALID_ARGUMENT} */
export function checkLocalOptions(options: unknown): void {
  checkOptions("createLocalCache", options, LOCAL_OPTIONS);
}

/** Options a cache is opened with, those of near copies too. @throws {ERR_INVALID_ARGUMENT} */
export function checkOpenOptions(name: string, options: unknown): void {
  checkOptions(`opening the cache "${name}"`, options, OPEN_OPTIONS);
  const { near } = options as { readonly near?: unknown };
  if (typeof near === "boolean") return;
  checkOptions(`near copies of the cache "${name}"`, near, NEAR_OPTIONS);
}

/** Several keys; one text is not taken for its letters. @throws {ERR_INVALID_ARGUMENT} */
export function checkKeys(keys: unknown): asserts keys is Iterable<string> {
  if (!isIterable(keys)) throw invalidArgument("getMany", "keys", "a list of keys", keys);
}

/** The pairs of `setMany`. @throws {ERR_INVALID_ARGUMENT} */
export function checkPairs<V>(pairs: Iterable<readonly [string, V]>): (readonly [string, V])[] {
  const expected = "a list of pairs of key and value, or a Map";
  if (!isIterable(pairs)) throw invalidArgument("setMany", "entries", expected, pairs);
  return Array.from(pairs, (pair: unknown) => {
    if (Array.isArray(pair) && pair.length === 2) return pair as unknown as readonly [string, V];
    throw invalidArgument("setMany", "each entry", "a pair of key and value", pair);
  });
}

/** A record as `dump` gives them. @throws {ERR_INVALID_ARGUMENT} */
export function checkRecord(record: unknown): void {
  if (typeof record === "object" && record !== null) return;
  throw invalidArgument("load", "each record", "an object, as dump gives them", record);
}

/** What `cached` is given. @throws {ERR_INVALID_ARGUMENT} */
export function checkCached(fn: unknown, options: unknown): void {
  checkFunction("cached", "the function", fn);
  if (options === undefined) throw invalidArgument("cached", "options", "an object", options);
  checkOptions("cached", options, [...SET_OPTIONS, "cache", "key"]);
  const { cache, key } = options as { readonly cache?: unknown; readonly key?: unknown };
  checkCache("cached", cache);
  checkFunction("cached", "key", key);
}

/** A cache, of whichever kind. @throws {ERR_INVALID_ARGUMENT} */
export function checkCache(operation: string, cache: unknown): void {
  const { getOrCompute } = (cache ?? {}) as Partial<Cache<unknown>>;
  if (typeof getOrCompute === "function") return;
  throw invalidArgument(
    operation,
    "cache",
    "a cache, as createLocalCache or createCaches().open give",
    cache,
  );
}

function isIterable(value: unknown): value is Iterable<unknown> {
  const { [Symbol.iterator]: iterate } = (value ?? {}) as Partial<Iterable<unknown>>;
  return typeof value !== "string" && typeof iterate === "function";
}
