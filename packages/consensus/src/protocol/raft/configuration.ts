/**
 * Configuration: who the members of a group are, and how one set follows another.
 *
 * Thesis (Ongaro, "Consensus: Bridging Theory and Practice", 2014), chapter 4; Raft paper, section 6.
 * A change of more than one voter goes through a joint configuration, in which decisions need a
 * majority of the old (`outgoing`) and of the new (`voters`) members; a change of one voter may not,
 * because any majority of the old members shares one with any majority of the new.
 *
 * Invariants: lists are sorted and disjoint, but for `outgoing`, which may share members with
 * `voters`; `learnersNext` is part of `outgoing`, since a voter that is demoted votes with the old
 * members until they are left; there is always a voter.
 */
import { isNodeId, type NodeId } from "@foundation/core";
import { RAFT_LIMITS } from "../../limits.js";
import { isRecord } from "./shape.js";

export interface Configuration {
  readonly voters: readonly NodeId[];
  /** The voters before, while both decide; empty outside of a joint configuration. */
  readonly outgoing: readonly NodeId[];
  /** They receive the log and have no vote. */
  readonly learners: readonly NodeId[];
  /** Voters of `outgoing` that become learners when it is left. */
  readonly learnersNext: readonly NodeId[];
  /** Learners that the leader makes voters once they have caught up. */
  readonly promotable: readonly NodeId[];
  /** The leader leaves the joint configuration by itself once it is committed. */
  readonly leavesItself: boolean;
}

/** One step of a change; a change is a list of them that takes effect at once. */
export type MemberChange =
  /** A voter at once: the group waits for it, however much it lacks. */
  | { readonly type: "add-voter"; readonly id: NodeId }
  /** A learner now, a voter as soon as it has caught up (thesis, section 4.2.1). */
  | { readonly type: "add-when-caught-up"; readonly id: NodeId }
  /** A learner for good; a voter is demoted to one. */
  | { readonly type: "add-learner"; readonly id: NodeId }
  | { readonly type: "remove"; readonly id: NodeId };

const NOBODY: readonly NodeId[] = [];

/** A group of these voters. */
export function configurationOf(
  voters: readonly NodeId[],
  learners: readonly NodeId[] = NOBODY,
): Configuration {
  return {
    voters: sorted(voters),
    outgoing: NOBODY,
    learners: sorted(learners),
    learnersNext: NOBODY,
    promotable: NOBODY,
    leavesItself: false,
  };
}

/** Of a member that was told nothing yet: it belongs to no group, so it never campaigns. */
export const NO_CONFIGURATION: Configuration = configurationOf([]);

export function isJoint(configuration: Configuration): boolean {
  return configuration.outgoing.length > 0;
}

/** True when decisions may need this member's vote. */
export function isVoter(configuration: Configuration, id: NodeId): boolean {
  return configuration.voters.includes(id) || configuration.outgoing.includes(id);
}

/** Everybody who receives the log, sorted. */
export function membersOf(configuration: Configuration): readonly NodeId[] {
  const { voters, outgoing, learners, learnersNext } = configuration;
  return sorted([...voters, ...outgoing, ...learners, ...learnersNext]);
}

/**
 * The configuration after the changes, joint when more than one voter differs or `mode` asks for
 * it; a text says why there is none. `from` must not be joint.
 */
export function changed(
  from: Configuration,
  changes: readonly MemberChange[],
  mode: "when-needed" | "joint" | "joint-until-told",
  membersMax: number,
): Configuration | string {
  if (isJoint(from)) return "the group is in a joint configuration; it must be left first";
  if (new Set(changes.map(({ id }) => id)).size < changes.length) {
    return "the change names a member twice";
  }
  const voters = new Set(from.voters);
  const learners = new Set(from.learners);
  const promotable = new Set(from.promotable);
  for (const { type, id } of changes) {
    if (type === "add-voter") {
      voters.add(id);
      learners.delete(id);
      promotable.delete(id);
    } else if (type === "add-when-caught-up") {
      if (voters.has(id)) continue;
      learners.add(id);
      promotable.add(id);
    } else if (type === "add-learner") {
      voters.delete(id);
      learners.add(id);
      promotable.delete(id);
    } else {
      voters.delete(id);
      learners.delete(id);
      promotable.delete(id);
    }
  }
  if (voters.size === 0) return "the change would leave the group without a voter";
  const differing = [...new Set([...from.voters, ...voters])].filter(
    (id) => voters.has(id) !== from.voters.includes(id),
  );
  const joins = mode !== "when-needed" || differing.length > 1;
  const demoted = joins ? from.voters.filter((id) => learners.has(id)) : [];
  const next: Configuration = {
    voters: sorted(voters),
    outgoing: joins ? from.voters : NOBODY,
    learners: sorted(learners).filter((id) => !demoted.includes(id)),
    learnersNext: sorted(demoted),
    promotable: sorted(promotable),
    leavesItself: joins && mode !== "joint-until-told",
  };
  if (membersOf(next).length > membersMax) return `a group has at most ${membersMax} members`;
  return next;
}

/** The configuration after the old members are left. */
export function left(joint: Configuration): Configuration {
  return {
    voters: joint.voters,
    outgoing: NOBODY,
    learners: sorted([...joint.learners, ...joint.learnersNext]),
    learnersNext: NOBODY,
    promotable: joint.promotable,
    leavesItself: false,
  };
}

/** Equal in every respect. */
export function areEqual(one: Configuration, other: Configuration): boolean {
  return JSON.stringify(ordered(one)) === JSON.stringify(ordered(other));
}

/** The configuration, rebuilt from checked fields; undefined when it breaks an invariant. */
export function parseConfiguration(value: unknown): Configuration | undefined {
  if (!isRecord(value) || typeof value["leavesItself"] !== "boolean") return undefined;
  const voters = parseMembers(value["voters"]);
  const outgoing = parseMembers(value["outgoing"]);
  const learners = parseMembers(value["learners"]);
  const learnersNext = parseMembers(value["learnersNext"]);
  const promotable = parseMembers(value["promotable"]);
  if (!voters || !outgoing || !learners || !learnersNext || !promotable) return undefined;
  if (learners.some((id) => voters.includes(id) || outgoing.includes(id))) return undefined;
  if (learnersNext.some((id) => voters.includes(id) || !outgoing.includes(id))) return undefined;
  if (promotable.some((id) => !learners.includes(id))) return undefined;
  if (voters.length === 0 && outgoing.length + learners.length > 0) return undefined;
  const { leavesItself } = value;
  if (leavesItself && outgoing.length === 0) return undefined;
  return { voters, outgoing, learners, learnersNext, promotable, leavesItself };
}

function parseMembers(value: unknown): readonly NodeId[] | undefined {
  // A joint configuration names more members than either of its halves.
  if (!Array.isArray(value) || value.length > 2 * RAFT_LIMITS.membersMax) return undefined;
  const ids = value as unknown[];
  if (!ids.every(isNodeId)) return undefined;
  return ids.every((id, i) => i === 0 || (ids[i - 1] as NodeId) < id) ? ids : undefined;
}

function sorted(ids: Iterable<NodeId>): readonly NodeId[] {
  return [...new Set(ids)].sort();
}

function ordered(c: Configuration): readonly unknown[] {
  return [c.voters, c.outgoing, c.learners, c.learnersNext, c.promotable, c.leavesItself];
}

/**
 * The configurations in the log. "A server always uses the latest configuration in its log,
 * regardless of whether the entry is committed" (Raft paper, section 6), so one that is cut off
 * gives way to the one before.
 */
export class ConfigurationHistory {
  #items: { readonly index: number; readonly configuration: Configuration }[];

  constructor(index: number, configuration: Configuration) {
    this.#items = [{ index, configuration }];
  }

  get current(): Configuration {
    return this.#last.configuration;
  }

  /** Where the current one stands in the log. */
  get index(): number {
    return this.#last.index;
  }

  /** The one that counts if the current one is cut off; itself if there is none. */
  get previous(): Configuration {
    return (this.#items.at(-2) ?? this.#last).configuration;
  }

  append(index: number, configuration: Configuration): void {
    this.#items.push({ index, configuration });
  }

  /** The log was cut behind `index`. */
  truncate(index: number): void {
    while (this.#items.length > 1 && this.#last.index > index) this.#items.pop();
  }

  /** The log is gone up to `index`. */
  compact(index: number): void {
    while (this.#items.length > 1 && (this.#items[1]?.index ?? Infinity) <= index) {
      this.#items.shift();
    }
  }

  /** A snapshot took the log's place. */
  restore(index: number, configuration: Configuration): void {
    this.#items = [{ index, configuration }];
  }

  /** The one in force at `index`, which was not compacted. */
  at(index: number): Configuration {
    let found = this.#items[0] as { readonly configuration: Configuration };
    for (const item of this.#items) if (item.index <= index) found = item;
    return found.configuration;
  }

  get #last(): { readonly index: number; readonly configuration: Configuration } {
    return this.#items.at(-1) as { readonly index: number; readonly configuration: Configuration };
  }
}
