/** Every limit and interval of discovery, and what happens at it. */
export const discoveryLimits = {
  /** `local` looks again this often even when nothing was seen to change: watching may miss things. */
  rescanIntervalMs: 1_000,
  /** Attempts of one look while others remove the folder; then it is a problem. */
  lookAttemptsMax: 3,
  /**
   * Changes seen within this time are looked at together. It costs no time to meet: a node looks when
   * its own announcement is there, so of any two that start together the later one sees the other, and
   * dials it. To dial each other at once, or to look once for each of many that start, is waste.
   */
  watchSettleMs: 200,
  /** Who announced itself after us has seen us and dials us; if not, it is offered after this. */
  newcomerHoldMs: 500,
  /** A process that was there is not looked at again before this. */
  processRecheckMs: 500,
  /** A node says this often that its announcement still stands. */
  refreshIntervalMs: 10_000,
  /** Where a process cannot be looked at, its announcement is believed for this long. */
  announcementFreshMs: 45_000,
  /** A larger announcement is not read. */
  announcementBytesMax: 4_096,
  /** Files of one meeting folder that are looked at; further ones are ignored. */
  announcementsMax: 4_096,
  /** Half-written files older than this were left by a crash and are removed. */
  unfinishedFileMs: 60_000,
  /** Peers taken from one set; further ones are ignored. */
  peersMax: 10_000,
  /** A peer missing from its strategy's sets is still offered for this long. */
  forgetAfterMs: 30_000,
  /** The first round ends at the latest after this, whatever the strategies do. */
  firstRoundMs: 3_000,
  /** The same problem of one strategy is logged once in this time, with a count. */
  problemLogIntervalMs: 30_000,
  /** Problems kept for `problems()`; older ones are forgotten. */
  problemsMax: 32,
  /** Distinct problems whose last log line is remembered. */
  problemKindsMax: 256,
  /** Full answers in a row that a peer must be missing from before a polling strategy lets it go. */
  missesMax: 3,
  /** Between two look-ups of the names in a list of peers. */
  nameIntervalMs: 10_000,
  /** A name of a list that takes longer is not answered; longer than a resolver waits for its first server, 5 s. */
  nameTimeoutMs: 6_000,
  /**
   * Names the machine looks up at once, the others wait. It does so on the few threads (four, unless told otherwise) that
   * also read and write files, for half a minute each while its name servers are away.
   */
  lookupsMax: 2,
  /** Between two looks of a strategy that says nothing else. */
  lookIntervalMs: 5_000,
  /** `fallback` leaves a strategy that was bad for so long, and takes a better one back that was well for so long. */
  stepDownAfterMs: 15_000,
  stepBackAfterMs: 60_000,
  /** `union` waits so long for the others when one of its strategies has found somebody. */
  othersMs: 1_000,
  /** A look-up that takes longer has failed. */
  lookTimeoutMs: 10_000,
  /** A larger answer of an HTTP backend is not read. */
  httpBodyBytesMax: 16 * 1024 * 1024,
  /** Headers of one answer. */
  httpHeaderBytesMax: 32 * 1024,
  /** Connections of one strategy to its backend; further requests wait. */
  httpConnectionsMax: 8,
  /** A strategy that ends waits this long for the backend to forget this node. */
  withdrawMs: 1_500,
  /** And only this long for a backend that has never answered. */
  withdrawUnansweredMs: 100,
  /** `consul` looks again after this when an answer lacks somebody it knew. */
  consulRecheckMs: 500,
  /** An index of Consul's that stays below the highest one for so long is believed: the servers were restored. */
  consulRestoredMs: 60_000,
  /** `consul` pauses this long for each instance of an answer before it asks for the list again. */
  consulPauseMsEach: 1,
  /** `consul` looks this often where Consul gives no index to wait upon. */
  consulPollMs: 5_000,
  /** Elements inside each other in an answer of XML; a deeper one is not read. */
  xmlDepthMax: 64,
  /**
   * Instances on one page of `aws`, and pages of one look; beyond them the answer is partial. EC2 would give 1,000 on a
   * page, but to parse so much XML holds up everything else in the process for more than a tenth of a second.
   */
  awsPageSize: 250,
  awsPagesMax: 80,
  /** Instances on one page of `gcp`, by Compute Engine's own limit, and pages of one look. */
  gcpPageSize: 500,
  gcpPagesMax: 40,
  /** A cloud's metadata service is near: no answer within this is none. */
  metadataTimeoutMs: 1_000,
  /** Credentials and tokens are renewed so long before they expire. */
  credentialsEarlyMs: 300_000,
  /** First and longest pause after a failed look-up; doubled with each failure in a row. */
  retryMinMs: 500,
  retryMaxMs: 30_000,
  /** Steps of one strategy kept for `explain()`; older ones are forgotten. */
  stepsMax: 32,
  /** First and longest wait before a failed strategy is started again. */
  restartMinMs: 500,
  restartMaxMs: 30_000,
  /** `close` waits this long for strategies to withdraw. */
  closeMs: 3_000,
  /** Folders searched upwards for the nearest package. */
  foldersMax: 64,
  /** Characters of the readable part of a cluster's name. */
  nameCharsMax: 48,
  /** Attempts to read or make the user's secret while others make it too. */
  secretAttemptsMax: 20,
} as const;
