/**
 * Placement: which node a key belongs to, among candidates.
 *
 * Guarantees: synchronous and pure but for caches: the answer depends on the key and on the SET of
 * candidates, never on their order nor on earlier questions. So nodes that see the same members
 * agree without asking each other, wherever `agrees` is true; `random` and `leastLoaded` do not.
 */
import type { NodeId } from "../ids/node-id.js";
import type { NodeLoad } from "../ports/membership.js";

/** A node that may be chosen. */
export interface Candidate {
  readonly id: NodeId;
  /** True for the node that asks: what `localPlacement` looks for. @default false */
  readonly self?: boolean;
  /** How busy it said it is; `leastLoaded` alone asks. @default not told */
  readonly load?: NodeLoad | undefined;
  /** Distributed processes that run there, as far as is known. @default 0 */
  readonly running?: number | undefined;
}

export interface Placement {
  /** For people: `hash-ring`, `rendezvous`, … */
  readonly name: string;
  /** True when every node with the same candidates gives the same answer. */
  readonly agrees: boolean;
  /** The node for a key, or undefined when no candidate fits. */
  place(key: string, candidates: readonly Candidate[]): NodeId | undefined;
  /** At most `count` different nodes for a key, the best first; the first is what `place` gives. */
  placeMany(key: string, candidates: readonly Candidate[], count: number): readonly NodeId[];
}
