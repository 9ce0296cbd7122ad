/**
 * rendezvous: highest random weight (Thaler, Ravishankar 1998, doi:10.1109/90.663936).
 *
 * Every node gets a score for the key, the highest wins: spread as evenly as chance allows, with
 * no memory kept, and exactly the keys of a node that went are spread anew. A lookup costs a hash
 * for each candidate, so it is for up to about a hundred nodes; `hashRing` is for more.
 *
 * Invariant: equal scores, should they ever happen, are ordered by id.
 */
import type { NodeId } from "../ids/node-id.js";
import { md5 } from "./md5.js";
import type { Candidate, Placement } from "./placement.js";

/**
 * Rendezvous hashing.
 *
 * @example
 * ```ts
 * import { parseNodeId, rendezvous } from "@foundation/core"
 *
 * const nodes = ["1", "2", "3"].map((digit) => ({ id: parseNodeId(digit.repeat(32)) }))
 * console.log(rendezvous().placeMany("order-17", nodes, 2))
 * ```
 */
export function rendezvous(): Placement {
  return {
    name: "rendezvous",
    agrees: true,
    place: (key, candidates) => best(key, candidates)?.id,
    placeMany: (key, candidates, count) => {
      const ids = new Set(candidates.map(({ id }) => id));
      const scored = [...ids].map((id) => ({ id, score: scoreOf(key, id) }));
      scored.sort((a, b) => (isBetter(a, b) ? -1 : 1));
      return scored.slice(0, Math.max(0, count)).map(({ id }) => id);
    },
  };
}

interface Scored {
  readonly id: NodeId;
  readonly score: number;
}

function best(key: string, candidates: readonly Candidate[]): Scored | undefined {
  let winner: Scored | undefined;
  for (const { id } of candidates) {
    const scored = { id, score: scoreOf(key, id) };
    if (winner === undefined || isBetter(scored, winner)) winner = scored;
  }
  return winner;
}

function isBetter(a: Scored, b: Scored): boolean {
  return a.score > b.score || (a.score === b.score && a.id < b.id);
}

/** 53 bits, so that ties are left to people who look for them. The length keeps parts apart. */
function scoreOf(key: string, id: string): number {
  const [low, high] = md5(`${key.length}:${key}${id}`);
  return low * 2 ** 21 + (high >>> 11);
}
