/**
 * cached: a function whose results are kept in a cache. A plain function around a function: no decorator, and what it
 * is called with decides the key by a function the author writes, so that no argument is forgotten in it.
 */
import type { Cache, SetOptions } from "./cache.js";
import { checkCached } from "./given.js";

export interface CachedOptions<Arguments extends readonly unknown[], V> extends SetOptions {
  /** Where results are kept. */
  readonly cache: Cache<V>;
  /** The key of a call: whatever of the arguments decides the result must be in it. */
  readonly key: (...args: Arguments) => string;
}

/** The function, and how to forget a result of it. */
export interface Cached<Arguments extends readonly unknown[], V> {
  (...args: Arguments): Promise<V>;
  /** Deletes what is kept for these arguments. */
  forget(...args: Arguments): Promise<boolean>;
}

/**
 * The function with its results kept: one computation of a key at a time in the whole cluster.
 *
 * @throws {ERR_INVALID_ARGUMENT} at once. Each call: what the function throws, and what `getOrCompute` throws
 *
 * @example
 * ```ts
 * import { cached, createLocalCache } from "@foundation/cache"
 *
 * const cache = createLocalCache<number>({ ttl: "1m" })
 * const square = cached((n: number) => n * n, { cache, key: (n) => `square:${n}` })
 * console.log(await square(4)) // 16
 * ```
 */
export function cached<Arguments extends readonly unknown[], V>(
  fn: (...args: Arguments) => V | Promise<V>,
  given: CachedOptions<Arguments, V>,
): Cached<Arguments, V> {
  checkCached(fn, given);
  const { cache, key, ...options } = given;
  const call = (...args: Arguments) => cache.getOrCompute(key(...args), () => fn(...args), options);
  return Object.assign(call, { forget: (...args: Arguments) => cache.delete(key(...args)) });
}
