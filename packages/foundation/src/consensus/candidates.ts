/**
 * Candidates: members of the cluster that may be voters of its group, now or later.
 *
 * A first voter is known by its name. Any other node that has a disk for the group says so with a label, so that it is
 * found also when none of the first voters is left.
 */
import type { Member, Membership, NodeId } from "@foundation/core";
import { CANDIDATE_LABEL } from "./placing.js";

/** Members that may serve the group, without this node: first voters by name, then whoever says it is a candidate. */
export function candidates(
  membership: Membership,
  firstVoters: readonly string[],
): () => readonly NodeId[] {
  return () => {
    const others = membership.members().filter(({ id }) => id !== membership.self.id);
    const named = others.filter(({ name }) => firstVoters.includes(name));
    const labelled = others.filter((each) => isCandidate(each) && !named.includes(each));
    return [...named, ...labelled].map(({ id }) => id);
  };
}

export function isCandidate({ labels }: Pick<Member, "labels">): boolean {
  return labels[CANDIDATE_LABEL] !== undefined;
}
