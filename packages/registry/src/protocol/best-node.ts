/**
 * Best node: which of some members suits a workload best, by what they said of their load.
 *
 * What a workload needs much of weighs four times what it needs little of; what it says nothing of
 * lies between. Loads that differ by less than a step are equal, then the fewer children decide,
 * then the id, so that the answer does not flicker. A member that told no load counts as average.
 *
 * Invariant: the answer is one of the candidates; undefined only without any.
 */
import type { Member, NodeLoad } from "@foundation/core";
import { assert } from "./assert.js";

/** How much of a resource a workload needs. */
export type Need = "low" | "high";

export const NEEDS: readonly Need[] = ["low", "high"];

/** A member with what is known of how busy it is. */
export interface Measured {
  readonly member: Member;
  readonly load: NodeLoad | undefined;
  /** Distributed children it runs. */
  readonly running: number;
}

const STEP = 0.05;

/** The member that suits best. */
export function bestNode(
  candidates: readonly Measured[],
  needs: { readonly cpu?: Need | undefined; readonly memory?: Need | undefined },
): Member | undefined {
  const burden = ({ eventLoop, processor, memory }: NodeLoad) =>
    weightOf(needs.cpu) * Math.max(eventLoop, processor) + weightOf(needs.memory) * memory;
  const told = candidates.flatMap(({ load }) => (load === undefined ? [] : [burden(load)]));
  const average = told.length === 0 ? 0 : told.reduce((sum, each) => sum + each, 0) / told.length;
  const ranked = candidates.map(({ member, load, running }) => {
    const step = Math.floor((load === undefined ? average : burden(load)) / STEP);
    assert(step >= 0, "a load is a share of something");
    return { member, step, running };
  });
  ranked.sort(
    (a, b) => a.step - b.step || a.running - b.running || (a.member.id < b.member.id ? -1 : 1),
  );
  return ranked[0]?.member;
}

function weightOf(need: Need | undefined): number {
  if (need === undefined) return 0.5;
  return need === "high" ? 1 : 0.25;
}
