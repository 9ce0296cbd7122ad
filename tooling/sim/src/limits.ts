/** Limits of a hunt, by name, and what happens at them. */
export const huntLimits = {
  /** A worker that holds more memory after a seed is replaced by a new one. */
  workerRssBytesMax: 1_073_741_824,
  /** Kept of what a worker writes to its standard error, for the case that it crashes. */
  stderrCharsMax: 8_000,
  /** Lines of it that are printed. */
  stderrLinesMax: 30,
  /** A worker that has not started after so long is given up, and with it the run. */
  startWallMsMax: 120_000,
  /** Failed seeds whose plan of faults is shrunk; the others are only printed. */
  shrunkSeedsMax: 3,
  /** More processes than that are refused. */
  jobsMax: 256,
  /** Real time a seed may take before its worker is killed: so long, and … */
  seedWallMs: 120_000,
  /** … so long for each node and each virtual second of faults. */
  seedWallMsPerNodeSecond: 100,
} as const;

/** Real time that a seed may take, far above what it takes on a busy machine, in milliseconds. */
export function stuckAfterMs(nodes: number, forMs: number): number {
  const { seedWallMs, seedWallMsPerNodeSecond } = huntLimits;
  return seedWallMs + (nodes * forMs * seedWallMsPerNodeSecond) / 1_000;
}
