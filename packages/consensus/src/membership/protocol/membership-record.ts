/**
 * MembershipRecord: which group a disk belongs to, and how far it has come in it.
 *
 * It is what makes a founding safe: a disk accepts to be a first voter of one group, once, and never takes that
 * back. A disk that was wiped has lost its node id with it, so it is another disk, and can only be counted as
 * itself.
 *
 * Invariants: the group of a record that is `accepted` never changes, but for an arbiter's verdict (see
 * `founding.ts`); phases only go forward; a log is written to only from `formed` or `joining` on, and must be
 * there from `begun` on.
 */
import { isNodeId, type NodeId } from "@foundation/core";
import { FOUNDING_LIMITS } from "../limits.js";
import { isName, isRecord } from "../../protocol/raft/shape.js";

export interface FirstVoter {
  /** What people call the node. */
  readonly name: string;
  readonly id: NodeId;
}

/**
 * - `accepted`: promised to be a first voter; the group exists once every first voter has.
 * - `formed`: the group exists; the log gets its first entry next.
 * - `joining`: of a group that others formed; the log is made next, empty.
 * - `begun`: the log is there; that it is not means that it was removed.
 */
export type MembershipPhase = "accepted" | "formed" | "joining" | "begun";

export interface MembershipRecord {
  /** What the application calls the group. */
  readonly name: string;
  /** The member whose disk this is. */
  readonly node: NodeId;
  readonly phase: MembershipPhase;
  /** What decides that the group exists: that all its first voters accepted, or an arbiter's word. */
  readonly by: FoundedBy;
  /** The random id of the group, in every message of it. */
  readonly group: string;
  /** The group's first voters, sorted by name; none are known of one that was recovered. */
  readonly voters: readonly FirstVoter[];
  /** Groups that this one replaced after a loss of quorum: nobody may go back to them. */
  readonly past: readonly string[];
}

export type FoundedBy = "voters" | "arbiter";

const PHASES: readonly MembershipPhase[] = ["accepted", "formed", "joining", "begun"];

/** True once the group is known to exist. */
export function isFormed({ phase }: Pick<MembershipRecord, "phase">): boolean {
  return phase !== "accepted";
}

/** The record when the value is one. */
export function parseMembershipRecord(value: unknown): MembershipRecord | undefined {
  if (!isRecord(value) || !isName(value["name"]) || !isNodeId(value["node"])) return undefined;
  const phase = PHASES.find((known) => known === value["phase"]);
  const voters = parseVoters(value["voters"]);
  const past = parsePast(value["past"]);
  const { name, node, group, by } = value;
  if (by !== "voters" && by !== "arbiter") return undefined;
  if (!phase || !isName(group) || !voters || !past) return undefined;
  return { name, node, phase, by, group, voters, past };
}

/** First voters: distinct names in order, distinct ids. */
export function parseVoters(value: unknown): readonly FirstVoter[] | undefined {
  if (!Array.isArray(value) || value.length > FOUNDING_LIMITS.firstVotersMax) return undefined;
  const voters: FirstVoter[] = [];
  for (const item of value as unknown[]) {
    if (!isRecord(item) || !isNodeName(item["name"]) || !isNodeId(item["id"])) return undefined;
    voters.push({ name: item["name"], id: item["id"] });
  }
  const inOrder = voters.every(
    ({ name }, i) => i === 0 || (voters[i - 1] as FirstVoter).name < name,
  );
  const ids = new Set(voters.map(({ id }) => id));
  return inOrder && ids.size === voters.length ? voters : undefined;
}

export function parsePast(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length > FOUNDING_LIMITS.pastMax) return undefined;
  return (value as unknown[]).every(isName) ? (value as string[]) : undefined;
}

export function isNodeName(value: unknown): value is string {
  if (typeof value !== "string") return false;
  return value.length > 0 && value.length <= FOUNDING_LIMITS.nameCharsMax;
}
