/**
 * Zones: places that fail together. Voters in different ones survive more.
 *
 * A node without a zone counts as in one of its own kind: it tells nothing, so it is worth less than a new zone
 * and as much as another that tells nothing.
 */
import type { NodeId } from "@foundation/core";

interface Placed {
  readonly id: NodeId;
  readonly zone: string | undefined;
}

type Zone = string | undefined;

/**
 * The candidate in the zone that has fewest voters; among equals one that has the log already, then the smallest
 * id.
 */
export function bestSpread<T extends Placed>(
  candidates: readonly T[],
  taken: readonly Zone[],
  learners: readonly NodeId[],
): T | undefined {
  const weight = ({ id, zone }: T): readonly [number, number] => [
    countIn(taken, zone),
    learners.includes(id) ? 0 : 1,
  ];
  let best: T | undefined;
  for (const candidate of candidates) {
    if (best === undefined || isLess(weight(candidate), candidate.id, weight(best), best.id)) {
      best = candidate;
    }
  }
  return best;
}

/** How much the fullest zone would be relieved by a voter in this one; 0 or less: not at all. */
export function gainOf(zone: Zone, taken: readonly Zone[]): number {
  if (zone === undefined) return 0;
  const fullest = Math.max(0, ...taken.map((one) => countIn(taken, one)));
  return fullest - countIn(taken, zone) - 1;
}

/** Those whose zone has most of them first; among equals the greatest id. */
export function crowdedFirst(
  ids: readonly NodeId[],
  zoneOf: (id: NodeId) => Zone,
): readonly NodeId[] {
  const taken = ids.map(zoneOf);
  const crowd = (id: NodeId): number => countIn(taken, zoneOf(id));
  return [...ids].sort((a, b) => crowd(b) - crowd(a) || (a < b ? 1 : -1));
}

function countIn(taken: readonly Zone[], zone: Zone): number {
  return taken.filter((one) => one === zone).length;
}

function isLess(
  one: readonly [number, number],
  oneId: NodeId,
  other: readonly [number, number],
  otherId: NodeId,
): boolean {
  if (one[0] !== other[0]) return one[0] < other[0];
  if (one[1] !== other[1]) return one[1] < other[1];
  return oneId < otherId;
}
