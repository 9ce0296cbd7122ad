/**
 * shortestRoute: breadth-first search for a way from one node to another.
 *
 * Of several ways that are as short, chance takes one at each node, so that many origins do not all
 * lead over the same relay. The same graph and the same draws give the same route.
 */
import type { NodeId } from "@foundation/core";

export interface RouteSearch {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly hopsMax: number;
  /** Whom a node can pass frames to, in an order that depends on nothing but what was learnt. */
  neighborsOf(id: NodeId): Iterable<NodeId>;
  /** False: no route leads over the node; it may still be the end of one. */
  mayPass(id: NodeId): boolean;
  /** True once in `count` times, on average. */
  oneIn(count: number): boolean;
}

interface Reached {
  readonly parent: NodeId | undefined;
  /** Ways of the same length that have been seen. */
  readonly ways: number;
}

/** From one node to the other, both included; undefined: there is none with so few hops. */
export function shortestRoute(search: RouteSearch): readonly NodeId[] | undefined {
  const { from, to, hopsMax } = search;
  if (from === to) return undefined;
  const reached = new Map<NodeId, Reached>([[from, { parent: undefined, ways: 1 }]]);
  let frontier: readonly NodeId[] = [from];
  for (let hops = 1; hops <= hopsMax && frontier.length > 0; hops += 1) {
    const next = new Map<NodeId, Reached>();
    for (const parent of frontier) {
      for (const id of search.neighborsOf(parent)) {
        if (reached.has(id)) continue;
        const ways = (next.get(id)?.ways ?? 0) + 1;
        const isTaken = ways === 1 || search.oneIn(ways);
        const kept = isTaken ? parent : next.get(id)?.parent;
        next.set(id, { parent: kept, ways });
      }
    }
    for (const [id, way] of next) reached.set(id, way);
    if (next.has(to)) return routeFrom(to, reached);
    frontier = [...next.keys()].filter((id) => search.mayPass(id));
  }
  return undefined;
}

function routeFrom(to: NodeId, reached: ReadonlyMap<NodeId, Reached>): readonly NodeId[] {
  const route: NodeId[] = [];
  for (let at: NodeId | undefined = to; at !== undefined; at = reached.get(at)?.parent)
    route.push(at);
  return route.reverse();
}
