/**
 * weighted: each in proportion to its weight, spread evenly in between.
 *
 * nginx's smooth weighted round robin: everybody gains its weight, the richest is chosen and pays the sum. Weights of
 * 5, 1 and 1 give a a b a c a a, not a a a a a b c.
 *
 * Invariant: with the same contenders, every run of (sum of integer weights) choices holds each exactly weight times.
 */
import type { Contender } from "../contender.js";

/** What each has gained and not paid, by id. */
export type Credits = Map<string, number>;

/** The richest after everybody has gained its weight. */
export function weighted<C extends Contender>(
  contenders: readonly C[],
  credits: Credits,
): C | undefined {
  let total = 0;
  let chosen: C | undefined;
  let most = -Infinity;
  for (const contender of contenders) {
    const credit = (credits.get(contender.id) ?? 0) + contender.weight;
    credits.set(contender.id, credit);
    total += contender.weight;
    if (credit > most) {
      most = credit;
      chosen = contender;
    }
  }
  if (chosen !== undefined) credits.set(chosen.id, most - total);
  return chosen;
}
