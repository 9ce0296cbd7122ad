/**
 * Gap: how long nobody's write ended well after a leader was killed. Writes that it had decided before may
 * still be answered after its death, so the longest silence between two answers is taken.
 */

/** One write that ended well, times of one monotonic clock in ms. */
export interface Written {
  readonly askedMs: number;
  readonly atMs: number;
}

/** A silence that began so long before the kill is of the kill: nobody is that exact. */
const BEFORE_MS = 20;

/** True when somebody has asked after the kill and was answered. */
export function isOver(writes: readonly Written[], killedMs: number): boolean {
  return writes.some(({ askedMs }) => askedMs > killedMs);
}

/** Of all that survive, together. */
export function longestSilence(writes: readonly Written[], killedMs: number): number {
  const answers = writes.map(({ atMs }) => atMs).toSorted((a, b) => a - b);
  let longest = 0;
  for (const [i, atMs] of answers.entries()) {
    const before = answers[i - 1];
    if (before === undefined || atMs < killedMs) continue;
    const fromMs = Math.max(before, killedMs - BEFORE_MS);
    longest = Math.max(longest, atMs - fromMs);
  }
  return longest;
}
