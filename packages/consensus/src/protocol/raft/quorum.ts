/**
 * Quorum: what a configuration decides, single or joint.
 *
 * Raft paper, section 6: in a joint configuration "agreement (for elections and entry commitment)
 * requires separate majorities from both the old and new configurations".
 */
import type { NodeId } from "@foundation/core";
import type { Configuration } from "./configuration.js";

export type VoteResult = "won" | "lost" | "pending";

/**
 * The greatest value that a quorum has reached, `reached` giving each member's (0 when it has
 * none). Used for indexes and for rounds of heartbeats.
 */
export function quorumReached(
  configuration: Configuration,
  reached: (id: NodeId) => number,
): number {
  const incoming = majorityReached(configuration.voters, reached);
  if (configuration.outgoing.length === 0) return incoming;
  return Math.min(incoming, majorityReached(configuration.outgoing, reached));
}

/** What the votes so far decide; who has not voted is undefined. */
export function voteResult(
  configuration: Configuration,
  voteOf: (id: NodeId) => boolean | undefined,
): VoteResult {
  const incoming = majorityResult(configuration.voters, voteOf);
  if (configuration.outgoing.length === 0) return incoming;
  const outgoing = majorityResult(configuration.outgoing, voteOf);
  if (incoming === "lost" || outgoing === "lost") return "lost";
  return incoming === "won" && outgoing === "won" ? "won" : "pending";
}

function majorityReached(voters: readonly NodeId[], reached: (id: NodeId) => number): number {
  if (voters.length === 0) return 0;
  if (voters.length === 1) return reached(voters[0] as NodeId);
  const values = voters.map(reached).sort((a, b) => b - a);
  return values[voters.length >> 1] as number;
}

function majorityResult(
  voters: readonly NodeId[],
  voteOf: (id: NodeId) => boolean | undefined,
): VoteResult {
  if (voters.length === 0) return "lost";
  const needed = (voters.length >> 1) + 1;
  let granted = 0;
  let open = 0;
  for (const id of voters) {
    const vote = voteOf(id);
    if (vote === undefined) open += 1;
    else if (vote) granted += 1;
  }
  if (granted >= needed) return "won";
  return granted + open >= needed ? "pending" : "lost";
}
