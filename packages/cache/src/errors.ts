/** Every error code of @foundation/cache. docs/errors.md is generated from here. */
import { defineErrors, error } from "@foundation/core";

export const cacheErrors = defineErrors({
  ERR_CACHE_UNAVAILABLE: error<{ readonly cache: string; readonly reason: string }>({
    summary: "Too few of the nodes that keep the key could be reached; nothing was changed.",
    fix: "Try again; if it lasts, look at the cluster's health and at how many nodes opened the cache.",
    retryable: true,
  }),
  ERR_CACHE_CONFLICT: error<{ readonly cache: string; readonly attempts: number }>({
    summary: "Others changed the entry each time between reading and writing it.",
    fix: "Try again later, or let fewer writers share one key.",
    retryable: true,
  }),
  ERR_CACHE_ENTRY_TOO_LARGE: error<{ readonly cache: string; readonly sizeBytes: number }>({
    summary: "One entry is larger than the cache may hold or a message may be.",
    fix: "Store less under one key, or raise maxBytes (and limits.entryBytesMax, for shared caches).",
    retryable: false,
  }),
  ERR_CACHE_OPTIONS: error<{ readonly cache: string; readonly option: string }>({
    summary:
      "The cache was opened with options that exclude each other, or that differ from before.",
    fix: "Change the option that the message names; open a cache with equal options everywhere.",
    retryable: false,
  }),
});
