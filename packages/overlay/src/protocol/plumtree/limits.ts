/**
 * Every limit and every time of the broadcast tree, with its unit and what happens at it.
 *
 * docs/protocol/plumtree.md explains them. Options may override each.
 */

/** Bounds on what the protocol keeps, sends and accepts. */
export const plumtreeLimits = {
  /**
   * Starts of nodes whose position is remembered; beyond it the one that was silent for longest is
   * forgotten.
   */
  sourcesMax: 20_000,
  /** Starts of one node remembered at once; beyond it the one heard of first is forgotten. */
  bootsPerOriginMax: 4,
  /** Bytes of payloads kept for neighbours that miss them; beyond it the oldest are dropped. */
  cacheBytesMax: 16 * 1024 * 1024,
  /** Payloads kept, however small; the same. */
  cacheMessagesMax: 65_536,
  /**
   * Messages of one source that wait for an earlier one; a further one is not taken but fetched
   * later, from whoever sent it.
   */
  gapMessagesMax: 1_024,
  /** Messages that wait so, of all sources; the same. */
  gapMessagesTotalMax: 16_384,
  /** Bytes that wait so, of all sources; the same. */
  gapBytesMax: 16 * 1024 * 1024,
  /** Runs in one announcement, graft or digest; more are split over several messages. */
  runsPerMessageMax: 256,
  /** Runs that wait to be announced; at it they are announced at once. */
  announcedRunsMax: 256,
  /** Runs in a periodic digest; of more, a window that starts at a random one. */
  digestRunsMax: 256,
  /** Announcements remembered for one source; a further one is dropped (a digest will repeat it). */
  offersMax: 64,
  /** Sources with such announcements at once; the same. */
  repairsMax: 1_024,
  /** Messages asked for at once from one source, and sent for one graft; the rest is asked again. */
  pullMessagesMax: 256,
  /** Bytes of payload sent for one graft, at least one message; the rest is asked again. */
  pullBytesMax: 1024 * 1024,
  /** Grafts for one announcement without any answer; then it is forgotten. */
  graftTriesMax: 3,
  /** A lazy path shorter by this many hops takes the place of the eager one. */
  optimizationHopsMin: 1,
  /** From this payload size on, neighbours are told at once that no further copy is wanted. */
  unwantedBytesMin: 16 * 1024,
  /** Payloads one neighbour does not want that are remembered; of more the oldest are forgotten. */
  unwantedMax: 16,
  /** Who seeks and is no neighbour yet that is remembered; of more, links may begin lazy. */
  seekersMax: 64,
  /** Publishing to all neighbours, where it is switched on, ends above this many. */
  floodNeighborsMax: 30,
} as const;

/** The same with other numbers. */
export type PlumtreeLimits = { readonly [Name in keyof typeof plumtreeLimits]: number };

/** Times of the protocol, all in milliseconds. */
export const plumtreeTimes = {
  /**
   * From an announcement to the graft (the paper's T1): the eager copy may be on its way, and of a
   * source that the tree was not built for that way is a long one.
   */
  graftAfterMs: 300,
  /** From a graft to the next one, of another neighbour if there is one (T2). */
  graftRetryMs: 100,
  /** Announcements are gathered for so long. */
  announceMs: 20,
  /**
   * A missing message is waited for at most so long once later ones are there: as long as somebody
   * may keep it. Sooner when its origin says that it does not.
   */
  gapMs: 30_000,
  /** … and so long when its origin has ended, and can be asked no more. */
  endedGapMs: 2_000,
  /** A link that is pruned so soon after it was grafted is only pulled from for the same time. */
  pruneBackoffMs: 2_000,
  /** A neighbour that goes on sending what is not wanted is told so again after this time. */
  pruneRepeatMs: 500,
  /** Payloads are kept for so long. */
  cacheMs: 30_000,
  /** One digest to one random neighbour, while anything is cached; drawn from 80 to 120 %. */
  digestMs: 10_000,
  /** The position in an ended source is kept for so long, counted in digest rounds. */
  endedKeepMs: 120_000,
  /**
   * A node takes up sources where they are until a settled neighbour has told it where that is, or
   * for this long after its first link.
   */
  settleMs: 2_000,
  /** A timer that fires later than this means a pause: what waits in the sockets is read first. */
  lateTimerMs: 200,
} as const;

/** The same of one kind of network. */
export type PlumtreeTimes = { readonly [Name in keyof typeof plumtreeTimes]: number };
