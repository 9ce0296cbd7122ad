/** Limits of Node's adapters, each with a name. */
export const runtimeLimits = {
  /** The longest delay one `setTimeout` takes; longer timers are armed again. */
  timeoutMsMax: 2_147_483_647,
  /** Instruments that a meter keeps; more come from a label with unbounded values. */
  instrumentsMax: 10_000,
  /** Files of one storage that are kept open for appending. */
  openFilesMax: 64,
  /** How often a start tries again to take a data directory that others are taking too. */
  lockAttemptsMax: 20,
  /** Secrets in a key ring: each costs one HMAC for each handshake. */
  secretsMax: 8,
} as const;
