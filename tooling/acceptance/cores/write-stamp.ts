/**
 * The order of writes of a multi-writer map in the simulations: hybrid time, then node, then boot.
 *
 * A wall clock alone lets a node that is behind lose every write, also one made after reading the other's (Kulkarni et
 * al., 2014). The node makes the order of two nodes' writes total, its boot that of two starts of one node: a start whose
 * wall clock was set back knows nothing of the stamps that the start before it gave.
 */
import { compareHybridTimestamps, isBoot, isHybridTimestamp, isNodeId } from "@foundation/core";
import type { WriteStamp } from "@foundation/crdt";

export type { WriteStamp };

export function compareWriteStamps(a: WriteStamp, b: WriteStamp): number {
  return compareHybridTimestamps(a, b) || orderOf(a.node, b.node) || orderOf(a.boot, b.boot);
}

/** True for a well-formed stamp; used on what a peer sent. */
export function isWriteStamp(value: unknown): value is WriteStamp {
  if (!isHybridTimestamp(value)) return false;
  const { node, boot } = value as Partial<WriteStamp>;
  return isNodeId(node) && isBoot(boot);
}

/** Of ids as text, as `<` has it: every node must have the same order, whatever its locale. */
function orderOf(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
