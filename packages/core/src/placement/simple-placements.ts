/** Placements that need no hashing: where it is asked, on one named node, or anywhere. */
import { coreErrors } from "../errors/errors.js";
import { shown } from "../errors/shown.js";
import { isNodeId, type NodeId } from "../ids/node-id.js";
import type { Random } from "../ports/random.js";
import type { Candidate, Placement } from "./placement.js";

/**
 * On the node that asks: the candidate marked `self`, or nowhere when that is none of them.
 *
 * @example
 * ```ts
 * import { localPlacement, parseNodeId } from "@foundation/core"
 *
 * const here = parseNodeId("1".repeat(32))
 * console.log(localPlacement().place("any", [{ id: here, self: true }]) === here)
 * ```
 */
export function localPlacement(): Placement {
  const place = (_key: string, candidates: readonly Candidate[]) =>
    candidates.find(({ self }) => self === true)?.id;
  return { name: "local", agrees: false, place, placeMany: manyFrom(place) };
}

/**
 * On one node, or nowhere while it is no candidate.
 *
 * @throws {ERR_INVALID_ARGUMENT} when `node` is not a NodeId.
 *
 * @example
 * ```ts
 * import { parseNodeId, pinned } from "@foundation/core"
 *
 * const node = parseNodeId("1".repeat(32))
 * console.log(pinned(node).place("any", [{ id: node }]) === node)
 * ```
 */
export function pinned(node: NodeId): Placement {
  if (!isNodeId(node)) {
    const expected = "a NodeId (32 lower-case hexadecimal digits)";
    throw coreErrors.ERR_INVALID_ARGUMENT(`pinned: node must be ${expected}`, {
      argument: "node",
      expected,
      found: shown(node),
    });
  }
  const place = (_key: string, candidates: readonly Candidate[]) =>
    candidates.some(({ id }) => id === node) ? node : undefined;
  return { name: "pinned", agrees: true, place, placeMany: manyFrom(place) };
}

/**
 * Anywhere, evenly; asked twice, it may answer twice differently.
 *
 * @example
 * ```ts
 * import { parseNodeId, randomPlacement } from "@foundation/core"
 * import { seededRandom } from "@foundation/core/testing"
 *
 * const nodes = ["1", "2"].map((digit) => ({ id: parseNodeId(digit.repeat(32)) }))
 * console.log(randomPlacement(seededRandom("docs")).place("any", nodes))
 * ```
 */
export function randomPlacement(random: Random): Placement {
  const placeMany = (_key: string, candidates: readonly Candidate[], count: number) => {
    const left = [...new Set(candidates.map(({ id }) => id))];
    const chosen: NodeId[] = [];
    while (chosen.length < count && left.length > 0) {
      chosen.push(...left.splice(Math.floor(random.next() * left.length), 1));
    }
    return chosen;
  };
  return {
    name: "random",
    agrees: false,
    place: (key, candidates) => placeMany(key, candidates, 1)[0],
    placeMany,
  };
}

function manyFrom(place: Placement["place"]): Placement["placeMany"] {
  return (key, candidates, count) => {
    const node = count > 0 ? place(key, candidates) : undefined;
    return node === undefined ? [] : [node];
  };
}
