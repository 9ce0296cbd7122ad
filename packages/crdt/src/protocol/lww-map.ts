/**
 * Last write wins: the order of writes of a multi-writer map: hybrid time, then node, then boot.
 *
 * Why hybrid time: a wall clock alone lets a node that is behind lose every write, also one made
 * after reading the other's (Kulkarni et al., 2014). The node's id makes the order of two nodes'
 * writes total, its boot that of two starts of one node: a start whose wall clock was set back
 * knows nothing of the stamps that the start before it gave.
 *
 * Invariant: a stamp belongs to one write only. Replicas compare stamps and not values, so with one
 * stamp for two writes they would differ for good.
 */
import { compareHybridTimestamps, isBoot, isHybridTimestamp, isNodeId } from "@foundation/core";
import type { Boot, HybridTimestamp, NodeId } from "@foundation/core";

/** When and by whom a key was written. */
export interface LwwStamp extends HybridTimestamp {
  readonly node: NodeId;
  /** Of the node's start that wrote it. */
  readonly boot: Boot;
}

export function compareLwwStamps(a: LwwStamp, b: LwwStamp): number {
  return compareHybridTimestamps(a, b) || orderOf(a.node, b.node) || orderOf(a.boot, b.boot);
}

/** True for a well-formed stamp; used on what a peer sent. */
export function isLwwStamp(value: unknown): value is LwwStamp {
  if (!isHybridTimestamp(value)) return false;
  const { node, boot } = value as Partial<LwwStamp>;
  return isNodeId(node) && isBoot(boot);
}

/** Of ids as text, as `<` has it: every node must have the same order, whatever its locale. */
function orderOf(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
