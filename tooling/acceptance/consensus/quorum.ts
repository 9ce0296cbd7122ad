/**
 * Quorums as the thesis defines them (section 4.3), written apart from the product: a check that asked the code it checks
 * would be wrong together with it.
 */
import type { NodeId } from "@foundation/core";
import type { Configuration } from "@foundation/consensus";

/** Those for which `has` is true decide alone: a majority of the voters and, when joint, of the outgoing ones. */
export function isQuorum(configuration: Configuration, has: (id: NodeId) => boolean): boolean {
  const { voters, outgoing } = configuration;
  return isMajority(voters, has) && (outgoing.length === 0 || isMajority(outgoing, has));
}

function isMajority(ids: readonly NodeId[], has: (id: NodeId) => boolean): boolean {
  let count = 0;
  for (const id of ids) if (has(id)) count += 1;
  return count * 2 > ids.length;
}
