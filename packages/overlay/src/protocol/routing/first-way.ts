/** firstWay: a route by ways that somebody else has planned, such as over the servers of clients. */
import type { NodeId } from "@foundation/core";
import { routingLimits } from "./limits.js";

/**
 * The first of some ways that leads over none of `avoid`, with both ends; undefined: there is none.
 *
 * @param ways each as the nodes between this node and the target, in order; the best first
 */
export function firstWay(
  self: NodeId,
  target: NodeId,
  ways: readonly (readonly NodeId[])[],
  avoid: ReadonlySet<NodeId>,
  hopsMax: number = routingLimits.hopsMax,
): readonly NodeId[] | undefined {
  for (const between of ways) {
    const route = [self, ...between, target];
    if (route.length > hopsMax + 1 || new Set(route).size < route.length) continue;
    if (!between.some((id) => avoid.has(id))) return route;
  }
  return undefined;
}
