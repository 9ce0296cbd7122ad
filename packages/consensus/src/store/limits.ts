/** Limits of the engines over the replicated store, beside those of the store itself. */
export const ENGINE_LIMITS = {
  /** Open watches of one engine; one more is refused. */
  watchesMax: 10_000,
  /** Calls of `next` that wait at once on one watch; a `for await` loop has one. */
  watchReadsMax: 100,
} as const;
