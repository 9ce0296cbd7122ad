/** Placing: what the configuration says of a node's place in the cluster's group. */
import type { ResolvedConfig } from "../config/schema.js";

type Values = Pick<ResolvedConfig, "consensus" | "dataDir">;

/** In place of names: nobody founds the group before an operator does. */
export const BY_OPERATOR = "operator";

/** Names of the first voters, where the configuration has them. */
export function firstVotersOf({ consensus }: Values): readonly string[] | undefined {
  const voters = consensus?.voters;
  return operatorFounds({ consensus }) ? undefined : (voters as readonly string[] | undefined);
}

/** An environment variable gives a list of one word. */
export function operatorFounds({ consensus }: Pick<Values, "consensus">): boolean {
  const voters = consensus?.voters;
  return voters === BY_OPERATOR || (voters?.length === 1 && voters[0] === BY_OPERATOR);
}

/** Whether this node keeps a log for the group: a first voter, or one that may become a voter. */
export function mayVote(values: Values, self: string): boolean {
  const { consensus } = values;
  const names = firstVotersOf(values);
  if (names?.includes(self) === true) return true;
  if (names === undefined && !operatorFounds(values)) return false;
  const hasDisk = values.dataDir !== undefined || consensus?.dataDir !== undefined;
  return consensus?.candidate ?? (operatorFounds(values) && hasDisk);
}

/** The label of a node that may be a voter. */
export const CANDIDATE_LABEL = "foundation.consensus";

/** What a node says of its place to others. */
export function placeLabels(values: Values, self: string): Readonly<Record<string, string>> {
  return mayVote(values, self) ? { [CANDIDATE_LABEL]: "candidate" } : {};
}
