/** What callers say about an entry (durations, tags, keys), checked and in milliseconds. */
import { coreErrors, parseDuration, shown, type Duration } from "@foundation/core";
import type { EntryOptions } from "./cache.js";
import type { CacheLimits } from "./limits.js";

/** How long an entry lives from the moment it is written. */
export interface Lifetime {
  /** Infinity: no end. */
  readonly ttlMs: number;
  /** After `ttlMs`. */
  readonly staleForMs: number;
}

/** What a cache gives entries that say nothing. */
export interface LifetimeDefaults {
  readonly ttlMs: number;
  readonly staleForMs: number;
}

/** @throws {ERR_INVALID_ARGUMENT} a duration that is none, or a ttl of 0 */
export function lifetimeOf(options: EntryOptions, defaults: LifetimeDefaults): Lifetime {
  return {
    ttlMs: options.ttl === undefined ? defaults.ttlMs : ttlOf(options.ttl),
    staleForMs:
      options.staleFor === undefined
        ? defaults.staleForMs
        : parseDuration(options.staleFor, "staleFor"),
  };
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function ttlOf(ttl: Duration): number {
  const ttlMs = parseDuration(ttl, "ttl");
  if (ttlMs > 0) return ttlMs;
  throw invalid("ttl", "a duration above 0, or nothing for an entry without an end", shown(ttl));
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkKey(key: unknown, { keyLengthMax }: CacheLimits): asserts key is string {
  if (typeof key === "string" && key.length > 0 && key.length <= keyLengthMax) return;
  const found = typeof key === "string" ? `a text of length ${key.length}` : typeof key;
  throw invalid("key", `a text of 1 to ${keyLengthMax} characters`, found);
}

/** A key that is the same text on every node. @throws {ERR_INVALID_ARGUMENT} */
export function checkSharedKey(key: unknown, limits: CacheLimits): asserts key is string {
  checkKey(key, limits);
  if (!HALF.test(key)) return;
  throw invalid("key", "a text without halves of surrogate pairs", "one with such a half");
}

/** UTF-8 has none, so the next node would have another text, and look for it elsewhere. */
const HALF = /\p{Surrogate}/u;

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkTags(tags: readonly string[], { tagsMax, keyLengthMax }: CacheLimits): void {
  if (!Array.isArray(tags)) throw invalid("tags", "a list of texts", shown(tags));
  if (tags.length > tagsMax) throw invalid("tags", `at most ${tagsMax} tags`, `${tags.length}`);
  for (const tag of tags) {
    if (typeof tag === "string" && tag.length > 0 && tag.length <= keyLengthMax) continue;
    throw invalid("tags", `texts of 1 to ${keyLengthMax} characters`, typeof tag);
  }
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkValue(value: unknown): void {
  if (value === undefined) {
    throw invalid(
      "value",
      "a value (undefined means that there is none; null can be kept)",
      "undefined",
    );
  }
}

export function invalid(argument: string, expected: string, found: string): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(`${argument} must be ${expected}, found ${found}`, {
    argument,
    expected,
    found,
  });
}
