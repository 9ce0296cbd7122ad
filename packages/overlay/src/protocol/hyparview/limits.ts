/**
 * Every size, chance and time of the HyParView core, with its unit and what happens at it.
 *
 * The sizes are those of the paper (Leitão, Pereira, Rodrigues, DSN 2007) for 10,000 nodes, with
 * six neighbours instead of five: five left islands for good after 90 % of the nodes had gone.
 * docs/protocol/hyparview.md explains them.
 */

/** Bounds and sizes. Options may override them; a test or a simulation does. */
export const hyparviewLimits = {
  /** Neighbours at most. A further one replaces one of them or is refused. */
  activeMax: 6,
  /** Below so many neighbours a node asks with high priority, which nobody refuses. */
  activeMin: 3,
  /** Others known at most; a further one replaces one of them. */
  passiveMax: 30,
  /** ARWL: hops of the walk that finds a newcomer its neighbours. */
  activeWalk: 6,
  /** PRWL: with so many hops left, the node on the way notes the newcomer. */
  passiveWalk: 3,
  /** Hops of a shuffle. */
  shuffleWalk: 6,
  /** ka: neighbours in one shuffle. */
  shuffleActive: 3,
  /** kp: others in one shuffle. */
  shufflePassive: 4,
  /** Ids that a message of ours offers beside its subject. */
  alternativesMax: 7,
  /** Ids in one message that are accepted; with more it is malformed. */
  idsPerMessageMax: 16,
  /** Hops left in a walk that are accepted; with more the message is malformed. */
  walkHopsMax: 16,
  /** Joins within `stormWindowMs` that a node takes itself; further ones only walk on. */
  stormJoins: 6,
  /**
   * Walks for a newcomer from a full view, or in a storm, instead of one over each neighbour: where
   * views are full each brings two neighbours, whose edge makes room for it.
   */
  joinWalks: 3,
  /** Requests open at once; a further one is not made. */
  requestsMax: 8,
  /** Requests open at once while there are fewer than `activeMin` neighbours; otherwise one. */
  urgentRequests: 3,
  /** Nodes asked in a row to fill the view's last places; then the timer says when to go on. */
  triesPerRound: 3,
  /** Failures in a row after which a node is offered to nobody and is the first to be replaced. */
  strikesMax: 3,
  /** Contacts remembered from the last join. */
  contactsMax: 16,
  /** Nodes remembered as gone; beyond it the oldest is forgotten, and found out again. */
  goneMax: 2_048,
  /** Nodes remembered as just lost; beyond it the oldest is forgotten. */
  lostMax: 32,
  /** Shuffles of others whose way back is remembered; beyond it the oldest is lost. */
  crumbsMax: 64,
  /** X-BOT: places that may be held by nearness; the others stay random. */
  nearMax: 2,
  /** X-BOT: others whose round trip is looked at in one attempt. */
  nearScan: 2,
} as const;

/** Chances, each between 0 and 1. */
export const hyparviewChances = {
  /** Rotation at a shuffle, as long as the graph may still be clustered (`restlessMs`). */
  rotationFirst: 0.25,
  /** Rotation at a shuffle afterwards. */
  rotation: 0.03,
  /** A rotation, or a node in need, draws from `candidates` instead of from the passive view. */
  elsewhere: 0.5,
  /** Periodic times are drawn within this share of their length, up and down. */
  jitter: 0.2,
  /** X-BOT: a nearer node's round trip is at most this share of the one it replaces. */
  nearer: 0.8,
} as const;

/** Times of the protocol, all in milliseconds. */
export const hyparviewTimes = {
  /** One shuffle, and one chance of a rotation. */
  shuffleMs: 10_000,
  /** The reply of a shuffle is carried back, and taken, within this time. */
  shuffleReplyMs: 4_000,
  /** Each neighbour is told that it is one. */
  keepMs: 5_000,
  /** An answer to a request takes at most so long; later it counts as late. */
  answerMs: 1_000,
  /** A dial takes at most so long; then it is given up. */
  dialMs: 5_000,
  /** Between rounds of filling the last places: the first pause; each fruitless one doubles it. */
  promoteMs: 5_000,
  promoteMsMax: 60_000,
  /** The same while there are fewer than `activeMin` neighbours. */
  urgentMs: 500,
  urgentMsMax: 10_000,
  /** A place that became free without need waits so long for whoever was told of it. */
  patienceMs: 1_500,
  /** A link that is not needed any more is kept so long for what is already on its way over it. */
  releaseMs: 2_000,
  /** A node whose link broke is neither dialled nor learnt from others for so long. */
  lostMs: 10_000,
  /** The same for a node that took its leave. */
  leftMs: 30_000,
  /** A node that refused or dropped us is not asked again for so long. */
  refusedMs: 10_000,
  /** After a failure a node is not asked for so long; each further one makes it four times that. */
  strikeMs: 2_000,
  strikeMsMax: 60_000,
  /** The window in which joins are counted. */
  stormWindowMs: 1_000,
  /** After the start, a join, a merge or a large loss rotation has its first chance for so long. */
  restlessMs: 300_000,
  /** X-BOT: one attempt. */
  optimiseMs: 30_000,
} as const;

export type HyParViewLimits = { readonly [Name in keyof typeof hyparviewLimits]: number };
export type HyParViewChances = { readonly [Name in keyof typeof hyparviewChances]: number };
export type HyParViewTimes = { readonly [Name in keyof typeof hyparviewTimes]: number };
