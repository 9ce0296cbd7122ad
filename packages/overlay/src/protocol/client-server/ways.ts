/**
 * Ways: over which servers a member is reached, as the plan says, from what is linked here. It takes no table that
 * anybody would have to spread: every node computes where another one is found.
 */
import type { NodeId } from "@foundation/core";
import type { Plan } from "./plan.js";

/**
 * Best first, each as the nodes in between.
 *
 * @param entries the servers with a link where a message to somebody else begins
 */
export function waysOver(
  to: NodeId,
  self: NodeId,
  plan: Pick<Plan, "isServer" | "choicesOf">,
  entries: readonly NodeId[],
  isLinked: (id: NodeId) => boolean,
): readonly (readonly NodeId[])[] {
  const others = entries.filter((id) => id !== to);
  if (plan.isServer(to)) return others.map((id) => [id]);
  const exits = plan
    .choicesOf(to)
    .slice(0, 2)
    .filter((id) => id !== self);
  const short = exits.filter(isLinked).map((exit) => [exit]);
  const long = exits
    .filter((id) => !isLinked(id))
    .flatMap((exit) => others.map((entry) => [entry, exit]));
  return [...short, ...long];
}
