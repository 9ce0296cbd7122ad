/** Latencies: how many round trips a second, and how long they took. */

export interface CallRate {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Sorts what it is given. */
export function latenciesOf(tookMs: Float64Array, elapsedMs: number): CallRate {
  const sorted = tookMs.sort();
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN) * 1_000;
  return { perSecond: (sorted.length / elapsedMs) * 1_000, p50Us: at(0.5), p99Us: at(0.99) };
}
