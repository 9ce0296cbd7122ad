/**
 * Suspicion: how long a suspected node has to refute (Lifeguard, arXiv 1707.00788, section 4).
 *
 * It starts long and shrinks with each independent confirmation: if others see the same, the fault
 * is hardly ours. When nobody is left who could confirm, the shortest time holds at once. It grows with
 * the logarithm of the cluster, as a refutation takes more hops; by less than in memberlist, because here
 * whoever refutes tells it on every link.
 */
import type { NodeId } from "@foundation/core";
import { membershipLimits as limits, membershipTimes, type MembershipTimes } from "./limits.js";

/** One suspicion of one (boot, incarnation). */
export interface Suspicion {
  readonly since: number;
  /** Who said so; the first one started it. */
  readonly confirmers: Set<NodeId>;
  /** Not before this: set after a hold-up of the own event loop. */
  notBefore: number;
  /** The one extra wait after a late timer was used. */
  graced: boolean;
}

/**
 * Milliseconds from the start of a suspicion to the verdict.
 *
 * @param confirmations independent confirmations beyond the first accuser
 * @param witnesses how many other nodes could confirm at all
 * @param members live members of the cluster, the suspect and this node included
 */
export function suspicionMs(
  confirmations: number,
  witnesses: number,
  members: number,
  times: MembershipTimes = membershipTimes,
): number {
  const tenfolds = Math.max(0, Math.log10(Math.max(1, members) / 10));
  const shortest = times.suspicionBaseMs * (1 + times.suspicionGrowth * tenfolds);
  const needed = Math.min(limits.confirmationsMax, witnesses);
  if (needed <= 0 || confirmations >= needed) return shortest;
  const longest = shortest * times.suspicionMaxFactor;
  const progress = Math.log(confirmations + 1) / Math.log(needed + 1);
  return longest - (longest - shortest) * progress;
}
