/** Limits and intervals of `dns`. */
export const dnsLimits = {
  /** Names of one strategy. */
  queriesMax: 16,
  /** Least and longest time between two looks; in between the records' time to live decides. */
  intervalMs: 5_000,
  maxIntervalMs: 30_000,
  /** Domains of a search list that are tried. */
  searchMax: 16,
  /** Targets of one SRV answer that are resolved; further ones make the answer a partial one. */
  targetsMax: 256,
  /** Targets that are resolved at the same time. */
  targetsAtOnceMax: 16,
  /** The resolver's own patience with one server, and how often it asks. */
  serverTimeoutMs: 2_000,
  serverTries: 2,
  /** Of a resolver's configuration more is not read. */
  resolvConfBytesMax: 64 * 1_024,
} as const;
