/**
 * Every limit and every time of the client-server topology, with its unit and what happens at it.
 *
 * docs/protocol/topologies.md explains them. All nodes of a cluster must have the same `servers…`
 * and `loadPercentMax`: who is a server and who goes to which is computed by each node for itself.
 */

/** Bounds on what the topology keeps and wants. */
export const clientServerLimits = {
  /** Members that are taken into account; a further one is refused and counted. */
  membersMax: 10_000,
  /** Where no member has the role: at least so many servers (or all members, if they are fewer). */
  serversMin: 3,
  /** Where no member has the role: at most so many servers, reached at 962 members. */
  serversMax: 32,
  /** Members with the role that become servers; beyond it those of the lowest rank are clients. */
  roleServersMax: 256,
  /** A server gets at most this many percent of an even share of the clients, rounded up. */
  loadPercentMax: 125,
  /** Dials of this topology under way at once; the others wait for an answer. */
  dialsInFlightMax: 16,
  /** Routes that `relayOf` names. */
  routesMax: 4,
} as const;

/** Times of the topology, all in milliseconds. */
export const clientServerTimes = {
  /** Of two servers the one with the higher id leaves the dial to the other for this long. */
  patienceMs: 2_000,
  /** A server that could not be dialled, or whose link broke, is left alone for this long at first. */
  retryMinMs: 1_000,
  /** The wait doubles with each failure up to this. Waits vary by 20 %. */
  retryMaxMs: 30_000,
  /** A link that held this long ends the count of failures. */
  steadyMs: 30_000,
  /** A link between two clients is given back after this long, once this one has a server. */
  graceMs: 5_000,
} as const;

/** The same with other numbers. */
export type ClientServerLimits = { readonly [Name in keyof typeof clientServerLimits]: number };
export type ClientServerTimes = { readonly [Name in keyof typeof clientServerTimes]: number };
