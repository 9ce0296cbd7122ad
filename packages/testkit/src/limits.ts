/** Limits of the test kit: how long it waits and how often it looks. */
export const testkitLimits = {
  /** How long a contract waits for something that must happen. */
  untilMs: 5_000,
  /** How often it looks. */
  pollMs: 5,
  /** How long `eventually` waits unless told otherwise. */
  eventuallyMs: 5_000,
  /** How long open handles may take to go away at the end of a suite. */
  leakGraceMs: 2_000,
} as const;
