/**
 * Takeover plan: which node takes each child whose owner is gone, all of them together.
 *
 * A child without constraints is taken over by whom the placement names, each by itself. Where it
 * matters where others are (at most two a node, evenly over zones), children that lost their node
 * at once must not be placed as if each were alone: so they are placed one after the other, in the
 * order of their names, each seeing where those before it will be.
 *
 * Invariants: nodes with the same specs, members and definitions make the same plan; what is planned
 * meets every agreed hard constraint once it is carried out; the occupancy is left as it was found.
 */
import type { Member, NodeId } from "@foundation/core";
import { assert } from "./assert.js";
import type { Place } from "./candidates.js";
import type { ChildSpec } from "./child-spec.js";
import { judge, ownerOf, type Ground } from "./judge.js";

/** Where each orphan will be; undefined for one that no node may take now. */
export type TakeoverPlan = ReadonlyMap<string, NodeId | undefined>;

/** Places the orphans one after the other. */
export function planTakeovers(
  orphans: readonly ChildSpec[],
  candidatesOf: (spec: ChildSpec) => readonly Member[],
  ground: Ground,
  place: Place,
): TakeoverPlan {
  assert(ground.loadOf === undefined, "nodes do not agree on loads");
  const plan = new Map<string, NodeId | undefined>();
  const ordered = [...orphans].sort((a, b) => (a.identity < b.identity ? -1 : 1));
  for (const spec of ordered) {
    const { eligible } = judge(spec, candidatesOf(spec), ground);
    const node = place(spec.identity, eligible);
    plan.set(spec.identity, node);
    const member = eligible.find(({ id }) => id === node);
    if (member !== undefined) ground.occupancy.put(spec, ownerOf(member));
  }
  for (const spec of ordered) ground.occupancy.put(spec, spec.owner);
  return plan;
}
