/**
 * Spreading: which node each member of an ecosystem is started on.
 *
 * | spread | nodes | meaning |
 * |---|---|---|
 * | local | 1 | all on the node that starts it |
 * | replicated | 2 to 10 | workers are dealt out to the nodes in turn, so each node has its share of each kind |
 * | partitioned | 11 and more | each member is placed by its name, as any distributed process |
 *
 * That is where members start. A member whose node dies is taken over as any child is: by its name.
 */
import { hashRing, localPlacement, type Candidate, type Placement } from "@foundation/core";
import type { NodeId } from "@foundation/core";
import type { EcosystemMember, EcosystemSpread } from "../../protocol/ecosystem-plan.js";

/** The placement of a member's start; undefined: the registry's. */
export function placementFor(
  spread: EcosystemSpread,
  member: EcosystemMember,
  custom: Placement | undefined,
): Placement | undefined {
  switch (spread) {
    case "local":
      return localPlacement();
    case "replicated":
      return member.index === undefined ? undefined : inTurn(member.index);
    case "partitioned":
      return undefined;
    case "custom":
      return custom;
    default:
      return spread satisfies never;
  }
}

/** Any node but those, where there is another: what crashed there again and again may do better elsewhere. */
export function avoiding(nodes: ReadonlySet<NodeId>): Placement {
  const ring = hashRing();
  const preferred = (candidates: readonly Candidate[]) => {
    const others = candidates.filter(({ id }) => !nodes.has(id));
    return others.length > 0 ? others : candidates;
  };
  return {
    name: "avoiding",
    agrees: false,
    place: (key, candidates) => ring.place(key, preferred(candidates)),
    placeMany: (key, candidates, count) => ring.placeMany(key, preferred(candidates), count),
  };
}

/** The node whose turn it is, in the order of their ids. */
function inTurn(index: number): Placement {
  const ordered = (candidates: readonly Candidate[]) => {
    const ids = candidates.map(({ id }) => id).sort();
    const first = ids.length === 0 ? 0 : index % ids.length;
    return [...ids.slice(first), ...ids.slice(0, first)];
  };
  return {
    name: "in-turn",
    agrees: false,
    place: (_key, candidates) => ordered(candidates)[0],
    placeMany: (_key, candidates, count) => ordered(candidates).slice(0, count),
  };
}
