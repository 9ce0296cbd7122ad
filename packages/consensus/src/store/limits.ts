/** Limits and times of the engines over the replicated store, beside the limits of the store itself. */
export const ENGINE_LIMITS = {
  /** Open watches of one engine; one more is refused. */
  watchesMax: 10_000,
  /** Calls of `next` that wait at once on one watch; a `for await` loop has one. */
  watchReadsMax: 100,
  /** Requests of one engine that wait for a place in its session; one more is refused. */
  requestsMax: 10_000,
} as const;

export const ENGINE_TIMES = {
  /** How long a request is tried unless its caller says otherwise, milliseconds. */
  requestMs: 10_000,
  /** How long the first attempt of a request waits; each later one waits twice as long as the one before. */
  attemptMs: 1_500,
  attemptMsMax: 30_000,
  /** How long a watch that begins now is tried to be placed: as long as it is open, but not for ever. */
  fenceMs: 86_400_000,
  /** Between an attempt that failed at once and the next, milliseconds. */
  retryMs: 50,
  /** How long a closing engine waits for its session to be closed. */
  closeMs: 500,
} as const;
