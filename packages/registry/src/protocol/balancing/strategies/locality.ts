/**
 * locality: the nearest that is in, and among those the one with the fewest requests under way.
 *
 * Own node, own zone, then anywhere. Who is near and sick, slow or full is not among the contenders, so requests go
 * further exactly while they have to.
 */
import type { Contender } from "../contender.js";
import { leastConnections } from "./least-connections.js";

/** @param draw from 0 to 1, 1 not included: settles between equals */
export function locality<C extends Contender>(
  contenders: readonly C[],
  draw: number,
): C | undefined {
  let nearest = Infinity;
  for (const { distance } of contenders) nearest = Math.min(nearest, distance);
  return leastConnections(
    contenders.filter(({ distance }) => distance === nearest),
    draw,
  );
}
