/**
 * ReplyLists: what a node answers when it is asked for lists of neighbours: its own, those of the nodes that are asked
 * about, and those that claim to be linked to them.
 *
 * Invariant: a reply holds no list twice, and no more lists and neighbours than limits.ts says.
 */
import type { NodeId } from "@foundation/core";
import type { RoutingLimits } from "./limits.js";
import type { NeighborList } from "./messages.js";
import type { NeighborMap } from "./neighbor-map.js";

export function listsAbout(
  map: NeighborMap,
  about: readonly NodeId[],
  { listsPerReplyMax, neighborsPerReplyMax }: RoutingLimits,
): readonly NeighborList[] {
  const lists: NeighborList[] = [];
  const told = new Set<NodeId>();
  let neighbors = 0;
  const tell = (id: NodeId) => {
    const list = map.listOf(id);
    if (list === undefined || told.has(id) || lists.length >= listsPerReplyMax) return;
    if (neighbors + list.neighbors.length > neighborsPerReplyMax) return;
    told.add(id);
    neighbors += list.neighbors.length;
    lists.push(list);
  };
  tell(map.self);
  for (const id of about) tell(id);
  for (const id of about) for (const claimer of map.claimedBy(id)) tell(claimer);
  return lists;
}
