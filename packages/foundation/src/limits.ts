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
  /** Secrets of a key ring, as of @foundation/core; a configuration with more is refused. */
  secretsMax: 8,
  /** Where nodes listen when their discovery tells addresses without ports. */
  sharedPort: 4_100,
  /** What production asks of a secret beyond loopback, in bytes; a shorter one is refused. */
  strongSecretBytesMin: 32,
  /** Different characters in it: a text of one repeated character is no secret. */
  strongSecretCharactersMin: 10,
  /** How often a node that `security.insecure` lets run says so, in ms. */
  insecureNoticeMs: 60_000,
  /** How often a node looks at how busy it is, in ms; it is told when it has changed. */
  loadSampleMs: 2_000,
  /** Neighbours that a node may name when it is asked; a longer list is not understood. */
  neighboursMax: 10_000,
  /** How often links are looked at for one that does not move, in ms. */
  linkSampleMs: 5_000,
  /** A link on which something waits and nothing has moved for so long counts against the health, in ms. */
  stuckLinkMs: 15_000,
  /** A certificate's file; a larger one is refused. */
  pemBytesMax: 1_048_576,
  /** Channels opened by name with cluster.channel(); a further name is refused with ERR_INVALID_ARGUMENT. */
  channelsMax: 48,
  /** Routes that one channel keeps for the nodes it sends to; beyond it they are made anew. */
  routesMax: 10_000,
  /** A voter that has known no leader for so long gives its requests and watches to others, in ms. */
  leaderlessMs: 10_000,
  /** How long a node that leaves waits for the store to take back what it holds of it, in ms. */
  giveBackMs: 2_000,
  /** How long the leader waits until it tries again to write who the voters are, in ms. */
  rosterRetryMs: 1_000,
  /** How long a node waits for another one to hear an operator's word, in ms. */
  operatorWordMs: 5_000,
} as const;
