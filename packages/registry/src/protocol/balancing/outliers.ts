/**
 * outliers: who answers, but so much more slowly than the others that it is better left alone for a while.
 *
 * Compared with the median of the others and not with a fixed time: what is slow depends on the service. Never more than
 * a share is out at once: when most are slow, the load is to blame, and leaving some out would make it worse.
 */

/** What one instance took, since the last review. */
export interface Sample {
  readonly id: string;
  readonly count: number;
  readonly meanMs: number;
}

/** When an instance is too slow. */
export interface OutlierRules {
  /** Times the median of the others. */
  readonly slowFactor: number;
  /** Requests it must have answered to be judged. */
  readonly slowSamplesMin: number;
  /** A mean below this is never slow, in milliseconds. */
  readonly slowFloorMs: number;
  /** Of all instances, the share that may be out at once for slowness; one may whenever there are two. */
  readonly slowShareMax: number;
}

/**
 * The instances to leave out, slowest first.
 * @param instances how many there are @param out how many of them are out for slowness already
 */
export function slowOnes(
  samples: readonly Sample[],
  instances: number,
  out: number,
  rules: OutlierRules,
): readonly string[] {
  const judged = samples.filter(({ count }) => count >= rules.slowSamplesMin);
  if (judged.length < 2) return [];
  const allowed = Math.max(instances > 1 ? 1 : 0, Math.floor(instances * rules.slowShareMax)) - out;
  if (allowed <= 0) return [];
  return judged
    .filter((sample) => isSlow(sample, judged, rules))
    .sort((a, b) => b.meanMs - a.meanMs || (a.id < b.id ? -1 : 1))
    .slice(0, allowed)
    .map(({ id }) => id);
}

function isSlow(sample: Sample, judged: readonly Sample[], rules: OutlierRules): boolean {
  if (sample.meanMs < rules.slowFloorMs) return false;
  const others = judged.filter(({ id }) => id !== sample.id).map(({ meanMs }) => meanMs);
  return sample.meanMs > rules.slowFactor * median(others);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
