/**
 * Every limit and every time of the membership protocol, with its unit and what happens at it.
 *
 * The times are those of SWIM (Das, Gupta, Motivala, DSN 2002) with Lifeguard's suspicion (Dadgar,
 * Phillips, Currey, arXiv 1707.00788), shortened for processes of one host or one data centre.
 * docs/protocol/membership.md explains them.
 */

/** Bounds on what the protocol keeps and accepts. */
export const membershipLimits = {
  /** Members the directory holds that are not down or left; a further one is refused and logged. */
  membersMax: 10_000,
  /** Down and left entries kept; beyond it the oldest are dropped. */
  tombstonesMax: 10_000,
  /** Entries in one message; more are split over several messages. */
  entriesPerMessageMax: 64,
  /**
   * Addresses from discovery that are remembered; further ones are ignored until the next round.
   */
  seedsMax: 256,
  /** Of them are dialled at once, and again after `settleMs`: the first to answer tells of the others. */
  seedDialsMax: 3,
  /**
   * A cluster of so few is a mesh at once. In a larger one a newcomer opens `joiningLinks` and hears of
   * the others; the rest of the mesh follows when the list of members has been still for `settleMs`.
   */
  meshAtOnceMax: 6,
  /** Links a newcomer opens at once, the one it joined by among them. */
  joiningLinks: 2,
  /**
   * Dials under way at once while a mesh is filled, so that it does not open in one burst; one while
   * the own health is bad.
   */
  fillingDialsMax: 4,
  /** A greeting tells everybody where they are so few. */
  greetedWholeMax: 8,
  /** … and to a node it never heard of where they are so few; beyond it digests are compared. */
  toldNewcomersMax: 256,
  /** Neighbours that a node compares its directory with when the cluster has stopped growing. */
  comparedAfterGrowth: 2,
  /**
   * Indirect probes that this node runs for others at once; beyond it the answer is "not reached".
   */
  relaysMax: 256,
  /** Members each node watches every period because they follow it in id order. */
  successorsWatched: 3,
  /**
   * Where members have few links: how many of its links each node watches every period, one after
   * the other. Each member has about six links, so as many others watch it.
   */
  linksWatched: 2,
  /** Where members have few links: so many of all members are dialled each `healIntervalMs` to see that they live. */
  straysLookedAt: 4,
  /** After one of them did not answer so many in a row have to, and at most … */
  straysAfterMiss: 3,
  /** … so many are dialled at once. */
  straysAtOnceMax: 4,
  /** Where members have few links: with fewer neighbours a node keeps every link it has. */
  neighboursMin: 3,
  /** Suspects that are probed again every period. */
  suspectsProbedMax: 8,
  /**
   * Links on which news of others is told on; who has more of them draws so many. Whoever states
   * something of its own tells it on all links, so this is for whom it has no link to.
   */
  relayedTo: 6,
  /**
   * The same for newcomers, that a node has not met itself: they introduce themselves to at least two,
   * who tell it on every link, and each link that comes up compares what both sides know.
   */
  newcomersToldTo: 3,
  /** Helpers asked when a direct probe is not answered. */
  indirectProbes: 3,
  /** Independent confirmations after which a suspicion has its shortest time. */
  confirmationsMax: 2,
  /** Direct probes in a row that only helpers could answer, after which the link is opened anew. */
  directMissesMax: 5,
  /** Lifeguard's local health multiplier ends here. */
  localHealthMax: 8,
  /** Characters of an address, a name, a role, a label's key or value. */
  textLengthMax: 256,
  rolesMax: 32,
  labelsMax: 64,
  /**
   * Characters of the roles and labels of one node together, so that a full message of entries fits
   * one frame whatever the script (three bytes a character).
   */
  descriptionCharsMax: 4_096,
  /** Buckets of the digest. */
  digestBuckets: 64,
} as const;

/** Times of the protocol, all in milliseconds. */
export const membershipTimes = {
  /** The protocol period: one round of probes. */
  periodMs: 1_000,
  /**
   * A direct probe waits this long at least, or four smoothed round trips, times (1 + local
   * health).
   */
  probeTimeoutMinMs: 500,
  /** After the direct probe's time, indirect ones get this much, times (1 + local health). */
  indirectTimeoutMs: 500,
  /** A helper answers "not reached" after this time: before the asker gives up. */
  relayTimeoutMs: 400,
  /**
   * The shortest suspicion among up to ten members. With the one second until it begins that is more than a
   * pause of five seconds, which a process is to survive, by a quarter of a second: somebody may have asked
   * just before the pause, and whoever wakes up on a busy machine is not heard at once.
   */
  suspicionBaseMs: 4_250,
  /** It is longer by this part for each tenfold more members; the longest is six times as much. */
  suspicionGrowth: 0.3,
  suspicionMaxFactor: 6,
  /** While the own event loop was held up by more than this, this node gives no verdict. */
  lagVerdictMs: 1_000,
  /** A hold-up by more than this counts against the own health. */
  lagNoticeMs: 200,
  /** After a hold-up: what waits in the sockets is read before anybody is judged. */
  lagGraceMs: 2_000,
  /**
   * A verdict's timer that fires later than this waits once more, so that an answer that is there
   * is read.
   */
  lateTimerMs: 200,
  /** A member heard of but never linked is not probed for this long. */
  firstLinkGraceMs: 3_000,
  /**
   * The node with the higher id leaves the dial to the other one for this long, counted from the last
   * link that came up: while there are some the other one is busy.
   */
  dialPatienceMs: 2_000,
  /** A mesh is filled once no member has joined for so long, … */
  settleMs: 250,
  /** … or since so long some have joined again and again. */
  settleMaxMs: 20_000,
  /** What is only put off while links come up is put off for this long at most. */
  formingMaxMs: 10_000,
  /** Newcomers heard of within this time of each other are told on together. */
  newsGapMs: 100,
  /** A rumour of death about a member heard this recently is doubted: the member is asked first. */
  doubtMs: 2_000,
  /** `node-down` waits at most this long for the end of a link that was closed because of it. */
  linkEndMaxMs: 2_000,
  /** One digest to one random neighbour. */
  syncIntervalMs: 10_000,
  /** One chance to dial a down member or an unknown seed. */
  healIntervalMs: 10_000,
  /** How long down and left entries block rumours about that boot. */
  tombstoneMs: 24 * 60 * 60 * 1_000,
} as const;

/** The same of one kind of network: see `presets`. */
export type MembershipTimes = { readonly [Name in keyof typeof membershipTimes]: number };
