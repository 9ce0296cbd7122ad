/** Limits of the test kit: how long it waits and how often it looks. */
export const testkitLimits = {
  /** How long a contract waits for something that must happen. */
  untilMs: 5_000,
  /** How often it looks. */
  pollMs: 5,
  /** Virtual milliseconds that pass for each moment given to real sockets. */
  socketStepMs: 20,
  /** A strategy that is told to stop has stopped within this. */
  abortMs: 250,
  /** Requests within this belong to one look. */
  burstMs: 40,
  /** How long `eventually` waits unless told otherwise. */
  eventuallyMs: 5_000,
  /** How long open handles may take to go away at the end of a suite. */
  leakGraceMs: 2_000,
} as const;
