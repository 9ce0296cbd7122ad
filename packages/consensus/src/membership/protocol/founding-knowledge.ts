/**
 * What a founding concludes from the answers of others, and says to people: which groups exist, and what is waited
 * for.
 */
import type { NodeId } from "@foundation/core";
import type { FoundingState, PeerAnswer } from "./founding-state.js";
import type { Knowledge } from "./founding-messages.js";
import { isFormed, type MembershipRecord } from "./membership-record.js";

/** How far a founding is. */
export type FoundingStanding =
  /** It is known which group this disk belongs to. */
  | { readonly type: "decided"; readonly record: MembershipRecord }
  /** It goes on by itself, once what `why` names is there. */
  | { readonly type: "waiting"; readonly why: string }
  /** Somebody must do what `why` says. */
  | { readonly type: "stuck"; readonly why: string };

/** The groups that others belong to, without those that were replaced by another. */
export function groupsKnown({ answers }: FoundingState): readonly Knowledge[] {
  const known = new Map<string, Knowledge>();
  const past = new Set<string>();
  for (const { knowledge } of Object.values(answers) as PeerAnswer[]) {
    if (!knowledge || !isFormed(knowledge)) continue;
    for (const group of knowledge.past) past.add(group);
    const { members, group } = knowledge;
    if ((known.get(group)?.members.length ?? -1) < members.length) known.set(group, knowledge);
  }
  return [...known.values()].filter(({ group }) => !past.has(group));
}

/** True when the group counts this node among its own, and this disk knows nothing of it. */
export function hasLostItsRecord({ setup, answers }: FoundingState, { group }: Knowledge): boolean {
  const { id } = setup.self;
  return (Object.values(answers) as PeerAnswer[]).some(({ knowledge }) => {
    if (knowledge?.group !== group || !isFormed(knowledge)) return false;
    return knowledge.members.includes(id) || knowledge.voters.some((voter) => voter.id === id);
  });
}

/** Nodes that have joined the group of this disk, members or not: who may become one. */
export function joinedBy({ record, answers }: FoundingState): readonly NodeId[] {
  const joined: NodeId[] = [];
  for (const [id, answer] of Object.entries(answers) as [NodeId, PeerAnswer][]) {
    const { knowledge } = answer;
    if (knowledge && isFormed(knowledge) && knowledge.group === record?.group) joined.push(id);
  }
  return joined;
}

/** How far it is, in words where it is not decided. */
export function standingOf(state: FoundingState): FoundingStanding {
  const { record, setup } = state;
  if (record && isFormed(record)) {
    const heir = heirOf(state, record.group);
    if (heir === undefined) return { type: "decided", record };
    const why =
      `the group ${record.group} of this disk lost its quorum and was replaced by ${heir}: ` +
      "empty this node's data directory, so that it joins that one; what only this disk holds is lost";
    return { type: "stuck", why };
  }
  const [known, second] = groupsKnown(state);
  if (second && known) {
    const why =
      `others belong to two groups called ${setup.name}, ${known.group} and ${second.group}: ` +
      "stop the nodes of the wrong one and empty their data directories";
    return { type: "stuck", why };
  }
  if (!record && known && hasLostItsRecord(state, known)) {
    return { type: "stuck", why: lostRecord(known.group) };
  }
  if (record) return acceptedStanding(state, record, known);
  if (state.refused !== undefined)
    return { type: "stuck", why: `${state.refused}: make them agree` };
  return freeStanding(state);
}

function heirOf({ answers }: FoundingState, group: string): string | undefined {
  const all = Object.values(answers) as PeerAnswer[];
  return all.find(({ knowledge }) => knowledge?.past.includes(group))?.knowledge?.group;
}

function acceptedStanding(
  state: FoundingState,
  record: MembershipRecord,
  known: Knowledge | undefined,
): FoundingStanding {
  const { group } = record;
  const again =
    "Nothing was ever committed in it: stop the nodes that accepted it, empty their data directories, start them again";
  if (state.refused !== undefined) return { type: "stuck", why: state.refused };
  if (record.by === "arbiter" && state.setup.source.type !== "arbiter") {
    const why = `an arbiter was asked about the group ${group}, and is not configured any more: configure it again`;
    return { type: "stuck", why };
  }
  if (known && known.group !== group && record.by === "voters") {
    const why = `this disk accepted the group ${group}, and others founded ${known.group}. ${again}`;
    return { type: "stuck", why };
  }
  const missing = record.voters.filter(({ id }) => !state.accepted.includes(id));
  for (const { name, id } of missing) {
    const other = peersNamed(state, name).find((peer) => peer !== id);
    const { knowledge } = state.answers[id] ?? {};
    if (other !== undefined && !state.peers.includes(id)) {
      const why = `the group ${group} counts on ${name} as ${id}, and it is ${other} now: its disk was wiped. ${again}`;
      return { type: "stuck", why };
    }
    if (knowledge && knowledge.group !== group) {
      const why = `${name} accepted the group ${knowledge.group}, and this disk ${group}. ${again}`;
      return { type: "stuck", why };
    }
  }
  const names = missing.map(({ name }) => name).join(", ");
  const why =
    record.by === "arbiter" ? "the arbiter's answer" : `${names} to accept the group ${group}`;
  return { type: "waiting", why };
}

function freeStanding(state: FoundingState): FoundingStanding {
  const { setup, names, answers } = state;
  if (setup.source.type === "arbiter") return { type: "waiting", why: "the arbiter" };
  if (!names) return { type: "waiting", why: `somebody who belongs to the group ${setup.name}` };
  const { name } = setup.self;
  for (const [id, { knowledge }] of Object.entries(answers) as [NodeId, PeerAnswer][]) {
    if (!knowledge) continue;
    const theirs = knowledge.voters.map((voter) => voter.name).join(", ");
    if (theirs !== names.join(", ")) {
      const why = `the list of first voters is ${names.join(", ")} here, and ${theirs} at ${id}: make them agree`;
      return { type: "stuck", why };
    }
    const own = knowledge.voters.find((voter) => voter.name === name);
    if (!own || own.id === setup.self.id) continue;
    const why =
      `${id} accepted the group ${knowledge.group}, which counts on ${name} as ${own.id}; this disk is another one. ` +
      "Nothing was ever committed in it: empty the data directories of those who accepted it, and start them again";
    return { type: "stuck", why };
  }
  const missing = names.filter((other) => other !== name && peersNamed(state, other).length === 0);
  const double = names.find((other) => {
    const count = peersNamed(state, other).length + (other === name ? 1 : 0);
    return count > 1;
  });
  if (double !== undefined) {
    return { type: "stuck", why: `more than one node is called ${double}: stop the wrong ones` };
  }
  if (missing.length > 0) {
    return { type: "waiting", why: `all first voters; ${missing.join(", ")} did not answer yet` };
  }
  const first = names[0] ?? name;
  return { type: "waiting", why: first === name ? "the first voters" : `the offer of ${first}` };
}

function peersNamed({ peers, answers }: FoundingState, name: string): readonly NodeId[] {
  return peers.filter((id) => answers[id]?.name === name);
}

/** The words for a disk whose node is a first voter and which knows nothing of it. */
export function lostRecord(group: string): string {
  return (
    `this node is a member of the group ${group}, and its disk knows nothing of that: what it voted for is lost. ` +
    "Give the node a new id (empty its whole data directory), so that it joins anew"
  );
}
