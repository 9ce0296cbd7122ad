/**
 * Version: which of two values of a key is the newer one.
 *
 * (epoch, counter), and the writer where two nodes took themselves for the primary at once, which only the eventual mode
 * allows. In quorum mode the epoch comes from consensus and has one primary a bucket, which counts from 1. In the
 * eventual mode the epoch is 0 and the counter is a hybrid one: wall-clock time, or one more than anything seen, so that
 * after a partition the later write wins, up to the skew of the clocks.
 *
 * Invariants: versions of one key are totally ordered; a primary gives versions above all that it has seen in the bucket.
 */

export interface Version {
  readonly epoch: number;
  readonly counter: number;
  /** The node that gave it. */
  readonly writer: string;
}

/** Older than every version that was ever given. */
export const NO_VERSION: Version = { epoch: 0, counter: 0, writer: "" };

/** Versions in one millisecond before the hybrid counter runs ahead of time. It fits 53 bits until the year 2248. */
const COUNTS_PER_MS = 1_024;

/** Negative when `a` is the older one, positive when `b` is, 0 when they are the same. */
export function compareVersions(a: Version, b: Version): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  if (a.counter !== b.counter) return a.counter - b.counter;
  return a.writer < b.writer ? -1 : a.writer > b.writer ? 1 : 0;
}

export function newerOf(a: Version, b: Version): Version {
  return compareVersions(a, b) >= 0 ? a : b;
}

/**
 * Of the eventual mode: true unless the version was given by a clock more than `aheadMs` ahead of this one. Without a bound
 * one such version could use the counter up, and no write of its bucket would ever be the newest again.
 */
export function isTimely({ epoch, counter }: Version, wallMs: number, aheadMs: number): boolean {
  return epoch === 0 && counter <= (wallMs + aheadMs) * COUNTS_PER_MS;
}

/** The next version in an epoch that consensus committed. */
export function nextInEpoch(epoch: number, seen: Version, writer: string): Version {
  const counter = seen.epoch === epoch ? seen.counter + 1 : 1;
  return { epoch, counter, writer };
}

/** The next version where no epoch was committed. */
export function nextHybrid(seen: Version, wallMs: number, writer: string): Version {
  const counter = Math.max(seen.counter + 1, Math.floor(wallMs) * COUNTS_PER_MS);
  return { epoch: 0, counter, writer };
}
