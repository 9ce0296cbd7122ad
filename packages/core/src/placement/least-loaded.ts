/**
 * leastLoaded: of two nodes that chance names, the one that has less to do.
 *
 * "The power of two choices" (Mitzenmacher 2001, doi:10.1109/71.963420): loads are told late, so
 * many nodes that each chose THE least loaded one would all choose the same. Taking the better of
 * two that the key's hash names is nearly as even and never a stampede. What this placement itself
 * placed since a node's load was told last counts too, so that a burst spreads.
 *
 * A node is as busy as the busiest of its three shares; shares nearer than `STEP` are equal, and
 * then fewer processes decide, then the hash. A node that told no load counts as the average of
 * those that did.
 *
 * Invariant: each answer is one of the candidates. Limit: `RECENT_MAX` own placements are kept.
 */
import type { NodeId } from "../ids/node-id.js";
import type { NodeLoad } from "../ports/membership.js";
import type { Candidate, Placement } from "./placement.js";
import { rendezvous } from "./rendezvous.js";

/** Own placements that count until their node's load is told anew; the oldest is forgotten. */
const RECENT_MAX = 256;
/** What one placement is thought to add to a node's load before that is told. */
const PLACED_SHARE = 0.01;
/** Loads that differ by less are equal: they are estimates, and seconds old. */
const STEP = 0.05;

/**
 * The less loaded of two nodes, by `Candidate.load` and `Candidate.running`. It remembers what it
 * placed: give each registry its own.
 *
 * @example
 * ```ts
 * import { leastLoaded, parseNodeId } from "@foundation/core"
 *
 * const busy = { eventLoop: 0.9, processor: 0.4, memory: 0.2 }
 * const calm = { eventLoop: 0.1, processor: 0.1, memory: 0.2 }
 * const nodes = [
 *   { id: parseNodeId("1".repeat(32)), load: busy },
 *   { id: parseNodeId("2".repeat(32)), load: calm },
 * ]
 * console.log(leastLoaded().place("order-17", nodes) === nodes[1]?.id)
 * ```
 */
export function leastLoaded(): Placement {
  const recent = new RecentPlacements();
  const order = rendezvous();
  const placeMany = (key: string, candidates: readonly Candidate[], count: number) => {
    if (count <= 0 || candidates.length === 0) return [];
    const burdens = burdensOf(candidates, recent);
    const left = [...order.placeMany(key, candidates, count + 1)];
    const chosen: NodeId[] = [];
    while (chosen.length < count && left.length > 0) {
      const [first, second] = left as [NodeId, NodeId?];
      const takesSecond = second !== undefined && isLess(burdens.get(second), burdens.get(first));
      chosen.push(...left.splice(takesSecond ? 1 : 0, 1));
    }
    return chosen;
  };
  return {
    name: "least-loaded",
    agrees: false,
    place(key, candidates) {
      const [node] = placeMany(key, candidates, 1);
      const load = candidates.find(({ id }) => id === node)?.load;
      if (node !== undefined) recent.note(node, load);
      return node;
    },
    placeMany,
  };
}

interface Burden {
  /** Steps of `STEP`. */
  readonly busy: number;
  readonly running: number;
}

function isLess(a: Burden | undefined, b: Burden | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.busy < b.busy || (a.busy === b.busy && a.running < b.running);
}

function burdensOf(
  candidates: readonly Candidate[],
  recent: RecentPlacements,
): ReadonlyMap<NodeId, Burden> {
  const told = candidates.flatMap(({ load }) => (load === undefined ? [] : [shareOf(load)]));
  const average = told.length === 0 ? 0 : told.reduce((sum, each) => sum + each, 0) / told.length;
  const burdens = new Map<NodeId, Burden>();
  for (const { id, load, running = 0 } of candidates) {
    const placed = recent.since(id, load);
    const share = (load === undefined ? average : shareOf(load)) + placed * PLACED_SHARE;
    // What was placed may be in `running` already: counting it twice only spreads more.
    burdens.set(id, { busy: Math.floor(share / STEP), running: running + placed });
  }
  return burdens;
}

function shareOf({ eventLoop, processor, memory }: NodeLoad): number {
  return Math.max(eventLoop, processor, memory);
}

interface Placed {
  readonly node: NodeId;
  readonly load: NodeLoad | undefined;
}

/** The last placements, each with the load by which it was decided. */
class RecentPlacements {
  readonly #placed: Placed[] = [];
  #at = 0;
  readonly #counts = new Map<NodeId, { load: NodeLoad | undefined; count: number }>();

  /** How many were placed on the node since it told this load. */
  since(node: NodeId, load: NodeLoad | undefined): number {
    const known = this.#counts.get(node);
    return known !== undefined && sameLoad(known.load, load) ? known.count : 0;
  }

  note(node: NodeId, load: NodeLoad | undefined): void {
    const known = this.#counts.get(node);
    if (known !== undefined && sameLoad(known.load, load)) known.count += 1;
    else this.#counts.set(node, { load, count: 1 });
    const oldest = this.#placed[this.#at];
    if (oldest !== undefined) this.#forget(oldest);
    this.#placed[this.#at] = { node, load };
    this.#at = (this.#at + 1) % RECENT_MAX;
  }

  #forget({ node, load }: Placed): void {
    const known = this.#counts.get(node);
    if (known === undefined || !sameLoad(known.load, load)) return;
    known.count -= 1;
    if (known.count <= 0) this.#counts.delete(node);
  }
}

/** By value: members are made anew for other reasons than their load. */
function sameLoad(a: NodeLoad | undefined, b: NodeLoad | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return a.eventLoop === b.eventLoop && a.processor === b.processor && a.memory === b.memory;
}
