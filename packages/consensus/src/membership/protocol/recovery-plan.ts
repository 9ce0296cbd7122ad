/**
 * RecoveryPlan: what becomes of a group whose quorum is lost, and what may be lost with it, in words, before
 * anything is done.
 *
 * A majority of the voters is gone with its disks. Every entry that was ever acknowledged is on a majority of
 * disks, so it may be on those that are gone alone; what is left is the longest log of those who remain. The plan
 * gives that log to a new group with a new id, whose only voter is the disk it stands on, and the other ones that
 * are kept join it empty. Those of the old group can never vote in the new one, since its id is in every message.
 */
import type { NodeId } from "@foundation/core";
import type { Configuration } from "../../protocol/raft/configuration.js";

/**
 * How much a log holds: of two logs the one with the later last term, then the longer one, has more (Raft paper,
 * 5.4.1).
 */
export interface LogExtent {
  readonly lastTerm: number;
  readonly lastIndex: number;
}

/** What another kept voter's plan says of its log. */
export interface OtherLog extends LogExtent {
  readonly id: NodeId;
}

/** What a disk holds of the group. */
export interface RecoveryFacts extends LogExtent {
  readonly name: string;
  readonly group: string;
  readonly node: NodeId;
  /** The term of the hard state. */
  readonly term: number;
  /** Entries known here to be committed. */
  readonly commit: number;
  readonly snapshotIndex: number;
  /** The last one in the log. */
  readonly configuration: Configuration;
}

export interface RecoveryPlan extends RecoveryFacts {
  /** The voter of the new group, and those that join it. */
  readonly keep: readonly NodeId[];
  /** Voters of the old group that must never start again. */
  readonly gone: readonly NodeId[];
  /** Entries that nobody knows to be committed; they will be. */
  readonly uncertainEntries: number;
  /** What will be done and what may be lost, a sentence each, for whoever decides. */
  readonly words: readonly string[];
}

/** The plan, or why there can be none. */
export function planOf(
  facts: RecoveryFacts,
  kept: readonly NodeId[],
  others: readonly OtherLog[],
): RecoveryPlan | string {
  const { node, configuration, lastIndex, commit } = facts;
  const { voters, outgoing, learners, learnersNext } = configuration;
  const all = sorted([...voters, ...outgoing]);
  const keep = sorted(kept);
  const known = new Set([...all, ...learners, ...learnersNext]);
  if (!keep.includes(node))
    return `the node whose disk this is, ${node}, must be one of those that are kept`;
  const stranger = keep.find((id) => !known.has(id));
  if (stranger !== undefined) return `${stranger} is no member of the group`;
  if (hasMajority(voters, keep) && (outgoing.length === 0 || hasMajority(outgoing, keep))) {
    return (
      `${keep.length} members are kept, and they are a majority of the voters ${voters.join(", ")}: ` +
      "start them, and nothing is lost"
    );
  }
  for (const id of keep) {
    if (id === node || !all.includes(id)) continue;
    const other = others.find((one) => one.id === id);
    if (!other) return `it must be said what the log of ${id} holds: make the plan there too`;
    if (isAhead(other, facts)) {
      return (
        `the log of ${id} holds more (term ${other.lastTerm}, entry ${other.lastIndex}) than this one ` +
        `(term ${facts.lastTerm}, entry ${lastIndex}): recover there`
      );
    }
  }
  const gone = all.filter((id) => !keep.includes(id));
  const uncertainEntries = lastIndex - commit;
  const plan = { ...facts, keep, gone, uncertainEntries };
  return { ...plan, words: wordsOf(plan) };
}

/** The configuration of the new group. */
export function recoveredConfiguration({ node, keep }: RecoveryPlan): Configuration {
  const others = keep.filter((id) => id !== node);
  return {
    voters: [node],
    outgoing: [],
    learners: others,
    learnersNext: [],
    promotable: others,
    leavesItself: false,
  };
}

function wordsOf(plan: Omit<RecoveryPlan, "words">): readonly string[] {
  const { name, group, node, lastIndex, lastTerm, commit, uncertainEntries, gone, keep } = plan;
  const others = keep.filter((id) => id !== node);
  const words = [
    `The group "${name}" (${group}) ends. A new one with a new id goes on from the log of ${node}.`,
    `Kept: everything up to entry ${lastIndex} of term ${lastTerm}. Known to be committed: up to entry ${commit}.`,
  ];
  if (uncertainEntries > 0) {
    words.push(
      `${uncertainEntries} entries behind that may never have been acknowledged; all of them will count: a request ` +
        "whose outcome was unknown may turn out to be applied.",
    );
  }
  words.push(
    `May be lost: whatever was acknowledged after entry ${lastIndex} on the disks of ${gone.join(", ")}. Nobody can ` +
      "say how much that is, or whether it is anything.",
    "Revisions and fencing tokens that were given in lost entries may be given again: let holders of locks from before " +
      "end, and whatever compares tokens forget those above the last one that is kept.",
    `Stop every node of the group first. ${gone.join(", ")} must never start again with their old disks: together they ` +
      "are enough to go on with the old group, as if nothing had happened.",
  );
  if (others.length > 0) {
    words.push(
      `${others.join(", ")} give up their logs and join the new group empty; they vote once they have caught up.`,
    );
  }
  words.push("Until others vote, the new group has one voter, and its disk is the only one.");
  return words;
}

function hasMajority(voters: readonly NodeId[], keep: readonly NodeId[]): boolean {
  return voters.filter((id) => keep.includes(id)).length > voters.length / 2;
}

function isAhead(one: LogExtent, other: LogExtent): boolean {
  if (one.lastTerm !== other.lastTerm) return one.lastTerm > other.lastTerm;
  return one.lastIndex > other.lastIndex;
}

function sorted(ids: readonly NodeId[]): readonly NodeId[] {
  return [...new Set(ids)].sort();
}
