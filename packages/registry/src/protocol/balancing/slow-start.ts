/**
 * slow start: an instance that is new or has come back gets little first, then more, until it gets its share.
 *
 * Its caches and connections are cold, and whoever had no requests looks best to every strategy: without this a
 * recovered instance is drowned by those who waited for it.
 */

/** Times of a slow start. */
export interface SlowStartTimes {
  readonly slowStartMs: number;
  /** What it gets of its share at once, from 0 to 1. */
  readonly slowStartShare: number;
}

/** The share it gets now, from `slowStartShare` to 1. `sinceMs` undefined: it was always there. */
export function shareAt(sinceMs: number | undefined, now: number, times: SlowStartTimes): number {
  if (sinceMs === undefined) return 1;
  const gone = (now - sinceMs) / times.slowStartMs;
  if (gone >= 1) return 1;
  return times.slowStartShare + (1 - times.slowStartShare) * Math.max(0, gone);
}
