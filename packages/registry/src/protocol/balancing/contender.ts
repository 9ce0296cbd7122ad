/**
 * Contender: an instance of a service as a strategy sees it, and the names of the strategies.
 *
 * A strategy is a pure function of the contenders, of what it remembers, and of the chance it is handed. It never sees
 * who is out: circuits, health and constraints have been looked at before.
 */

/** How far an instance is: on this node, in this node's zone, elsewhere. */
export type Distance = 0 | 1 | 2;

/** One instance that may be chosen. The counters are those of the node that asks. */
export interface Contender {
  /** The same on every node. */
  readonly id: string;
  /** Its share of the requests, relative to the others'. Above 0. */
  readonly weight: number;
  /** Requests of this node that it has not answered yet. */
  readonly inFlight: number;
  /** What a request of this node is expected to take, in milliseconds; 0 while nothing is known. */
  readonly latencyMs: number;
  readonly distance: Distance;
}

/** Which instance gets a request. */
export type Strategy =
  | "round-robin"
  | "random"
  | "least-connections"
  | "least-latency"
  | "weighted"
  | "consistent-hash"
  | "locality";

/** Every strategy, for checks. */
export const STRATEGIES: readonly Strategy[] = [
  "round-robin",
  "random",
  "least-connections",
  "least-latency",
  "weighted",
  "consistent-hash",
  "locality",
];
