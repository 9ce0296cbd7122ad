/** Every limit of @foundation/foundation, by name. */
export const limits = {
  /** Events that one watch() keeps for a reader that lags; then the oldest are dropped and counted. */
  watchBufferMax: 10_000,
  /** How long startCluster waits for the first round of discovery to end, in ms. */
  firstRoundMs: 2_000,
  /** How long startCluster waits for the peers found in the first round to answer, in ms. */
  firstDialsMs: 2_000,
  /** What each step of leaving gets when the ones before it have used `shutdown.timeout` up, in ms. */
  leaveStepMsMin: 250,
  /** How long health() waits for one node's answer, in ms. */
  healthTimeoutMs: 1_000,
  /** How long a problem of discovery counts against the health, in ms. */
  problemMs: 60_000,
  /** The window over which messageRate is taken, in ms. */
  rateWindowMs: 5_000,
} as const;
