/**
 * least-latency: of two drawn by chance, the one that is likely to answer first.
 *
 * Two choices instead of the best of all (Mitzenmacher 2001, doi:10.1109/71.963420): nodes that see the same figures
 * would all run to the one best instance, and fill it before any of them could see that. The estimate is peak EWMA
 * (protocol/balancing/peak-ewma.ts), times what is under way, as Finagle does it.
 */
import type { Contender } from "../contender.js";

/** @param drawOne, drawTwo from 0 to 1, 1 not included, independent */
export function leastLatency<C extends Contender>(
  contenders: readonly C[],
  drawOne: number,
  drawTwo: number,
): C | undefined {
  const count = contenders.length;
  const first = Math.floor(drawOne * count);
  const one = contenders[first];
  if (count < 2 || one === undefined) return one;
  // Drawn among the others, so that the two are never the same.
  const second = Math.floor(drawTwo * (count - 1));
  const two = contenders[second < first ? second : second + 1] as C;
  return costOf(two) < costOf(one) ? two : one;
}

/**
 * An instance of which nothing is known costs nothing, so that it is tried; with a request under way it costs more than
 * any that has answered, so that no more follow until it has.
 */
function costOf({ latencyMs, inFlight, weight }: Contender): number {
  if (latencyMs === 0 && inFlight > 0) return Number.MAX_SAFE_INTEGER * (inFlight / weight);
  return (latencyMs * (inFlight + 1)) / weight;
}
