/**
 * consistent-hash: the same key to the same instance, from every node.
 *
 * Weighted rendezvous (Schindelhauer, Schomaker 2005, doi:10.1145/1073970.1074008): each instance scores
 * -weight / ln(hash), the highest wins. When one of n goes, only its keys move, and they spread over all the others;
 * when one comes, it takes 1/n from each. No ring is kept: a choice costs a hash for each instance.
 */
import type { Contender } from "../contender.js";
import { hashOf } from "../hash.js";

/** The instance that the key belongs to. */
export function consistentHash<C extends Contender>(
  contenders: readonly C[],
  key: string,
): C | undefined {
  let winner: C | undefined;
  let highest = -Infinity;
  for (const contender of contenders) {
    const score = -contender.weight / Math.log(hashOf(key, contender.id));
    if (score > highest || (score === highest && winner && contender.id < winner.id)) {
      highest = score;
      winner = contender;
    }
  }
  return winner;
}
