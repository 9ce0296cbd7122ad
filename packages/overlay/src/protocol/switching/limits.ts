/**
 * Every limit, time and threshold of switching, with its unit and what happens at it.
 *
 * docs/protocol/topologies.md explains them. Nodes of a cluster may have different ones for a while
 * (a rolling update): whoever decides then decides by its own.
 */

/** Bounds on what is accepted and sent. */
export const switchLimits = {
  /** The largest number of a decision; at it nobody can decide any more, which is counted. */
  decisionsMax: 2 ** 32,
  /** Links on which a record is told on in a full mesh, where its author has told everybody. */
  relayedTo: 6,
} as const;

/** Times of switching, all in milliseconds. */
export const switchTimes = {
  /** A node that starts keeps its own configuration to itself for this long, and listens. */
  settleMs: 5_000,
  /** …and for up to this much more, drawn by each, so that few speak when all start at once. */
  settleSpreadMs: 5_000,
  /** No automatic switch is decided sooner after the last switch. */
  dwellMs: 30_000,
  /** The cluster has been too large for its topology for this long: links cost by the square. */
  growthMs: 5_000,
  /** The cluster has been too small for its topology for this long: that costs little. */
  shrinkMs: 30_000,
  /** Others than the member with the lowest id leave the decision to it for this much longer. */
  patienceMs: 60_000,
  /** …and for up to this much more, drawn by each, so that they do not all decide at once. */
  patienceSpreadMs: 30_000,
  /** The record is told again to one neighbour, in case it was lost. Varies by 20 %. */
  repeatMs: 10_000,
} as const;

/** Sizes of the cluster, in members, at which `auto` changes the topology. */
export const switchThresholds = {
  /** A full mesh of more becomes HyParView. */
  fullMeshMax: 110,
  /** HyParView of fewer becomes a full mesh. */
  hyparviewMin: 90,
  /** HyParView of more becomes client-server. */
  hyparviewMax: 1_100,
  /** Client-server of fewer becomes HyParView. */
  clientServerMin: 900,
} as const;

/** The same with other numbers. */
export type SwitchTimes = { readonly [Name in keyof typeof switchTimes]: number };
export type SwitchThresholds = { readonly [Name in keyof typeof switchThresholds]: number };
