/**
 * least-connections: whoever has the fewest requests of this node under way, for its weight.
 *
 * Each node knows only its own requests, so of equals one is drawn: else every node of a cluster would send its first
 * request to the same instance.
 */
import type { Contender } from "../contender.js";

/** @param draw from 0 to 1, 1 not included: settles between equals */
export function leastConnections<C extends Contender>(
  contenders: readonly C[],
  draw: number,
): C | undefined {
  let least = Infinity;
  let equals = 0;
  for (const contender of contenders) {
    const load = loadOf(contender);
    if (load < least) {
      least = load;
      equals = 1;
    } else if (load === least) equals += 1;
  }
  let skip = Math.floor(draw * equals);
  for (const contender of contenders) {
    if (loadOf(contender) === least && skip-- === 0) return contender;
  }
  return undefined;
}

/** The request to come is counted too: an idle instance of twice the weight is half as loaded by it. */
function loadOf({ inFlight, weight }: Contender): number {
  return (inFlight + 1) / weight;
}
