/**
 * Last write wins: the order of writes of a multi-writer map by hybrid time, then by node.
 *
 * Why hybrid time: a wall clock alone lets a node that is behind lose every write, also one made
 * after reading the other's (Kulkarni et al., 2014). The node's id makes the order total, and every
 * stamp of one node differs from its others, so a stamp belongs to one write only.
 */
import { compareHybridTimestamps, isHybridTimestamp, isNodeId } from "@foundation/core";
import type { HybridTimestamp, NodeId } from "@foundation/core";

/** When and by whom a key was written. */
export interface LwwStamp extends HybridTimestamp {
  readonly node: NodeId;
}

export function compareLwwStamps(a: LwwStamp, b: LwwStamp): number {
  return compareHybridTimestamps(a, b) || (a.node < b.node ? -1 : Number(a.node > b.node));
}

/** True for a well-formed stamp; used on what a peer sent. */
export function isLwwStamp(value: unknown): value is LwwStamp {
  return isHybridTimestamp(value) && isNodeId((value as Partial<LwwStamp>).node);
}
