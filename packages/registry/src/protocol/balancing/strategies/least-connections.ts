/**
 * least-connections: whoever has the fewest requests of this node under way, for its weight.
 *
 * Each node knows only its own requests, so among equals one is drawn, by weight: else every node of a cluster would
 * send its first request to the same instance, and whoever asks one after the other would only ever ask that one.
 */
import type { Contender } from "../contender.js";

/** @param draw from 0 to 1, 1 not included: settles between equals */
export function leastConnections<C extends Contender>(
  contenders: readonly C[],
  draw: number,
): C | undefined {
  let least = Infinity;
  let weights = 0;
  for (const contender of contenders) {
    const load = loadOf(contender);
    if (load < least) weights = 0;
    least = Math.min(least, load);
    if (load === least) weights += contender.weight;
  }
  let left = draw * weights;
  let last: C | undefined;
  for (const contender of contenders) {
    if (loadOf(contender) !== least) continue;
    last = contender;
    left -= contender.weight;
    if (left < 0) break;
  }
  return last;
}

function loadOf({ inFlight, weight }: Contender): number {
  return inFlight / weight;
}
