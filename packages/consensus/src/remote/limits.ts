/** Limits and times of engines that are used from afar. */
export const REMOTE_LIMITS = {
  /** Polls of watches that one member answers at once; a client asks another member for one more. */
  pollsMax: 10_000,
  /** Revisions in one answer to a poll. */
  batchesMax: 256,
} as const;

export const REMOTE_TIMES = {
  /** How long a poll waits for a change before it answers that there was none, milliseconds. */
  pollMs: 20_000,
  /** What a poll may take longer than that. */
  pollGraceMs: 5_000,
  /** Between two polls that failed at once. */
  retryMs: 100,
  /** How long a member that could not serve is asked only when no other is there. */
  avoidedMs: 2_000,
} as const;
