/**
 * VoterWatch: what a leader has seen of its group's members, as far as decisions need it: since when somebody is
 * gone, whose name another bears, what was changed when.
 *
 * It begins anew with each leadership, so a new leader waits its own time before it calls anybody dead. Pure: time
 * comes in with each look.
 */
import type { Member, NodeId } from "@foundation/core";
import { membersOf, type Configuration } from "../../protocol/raft/configuration.js";
import { CANDIDATES_MAX, type VoterPolicy } from "../limits.js";
import {
  decideVoters,
  type VoterDecision,
  type VoterNode,
  type VoterView,
} from "./voter-decision.js";

/** What the leader sees now. */
export interface Sight {
  readonly configuration: Configuration;
  /** Of the cluster. */
  readonly members: readonly Member[];
  /** Nodes that have joined the group; others are not added. */
  readonly joined: ReadonlySet<NodeId>;
  /** Says where a node stands. */
  readonly zoneLabel: string;
  /** May be a voter; others are not added. */
  readonly isEligible: (member: Member) => boolean;
}

export class VoterWatch {
  readonly #self: NodeId;
  readonly #policy: VoterPolicy;
  readonly #goneSince = new Map<NodeId, number>();
  readonly #learningSince = new Map<NodeId, number>();
  /** The last name of each member. */
  readonly #names: Map<NodeId, string>;
  #changedAt = -Infinity;
  #replacedAt: number[] = [];
  #wellSince: number;

  /** @param names of members that may be gone already, as the group was founded with them */
  constructor(
    self: NodeId,
    policy: VoterPolicy,
    now: number,
    names: ReadonlyMap<NodeId, string> = new Map(),
  ) {
    this.#self = self;
    this.#policy = policy;
    this.#wellSince = now;
    this.#names = new Map(names);
  }

  /** The next step. */
  decide(now: number, sight: Sight): VoterDecision {
    return decideVoters(this.#view(now, sight), this.#policy);
  }

  /** A step was carried out, or refused; the next one waits a while. */
  changed(
    now: number,
    decision: Extract<VoterDecision, { type: "change" }> | undefined,
    isDone: boolean,
  ): void {
    this.#changedAt = now;
    this.#wellSince = now;
    if (isDone && decision?.replaces) this.#replacedAt.push(now);
  }

  #view(now: number, sight: Sight): VoterView {
    const { configuration, members } = sight;
    const nodes = nodesOf(sight);
    const present = new Set(nodes.map(({ id }) => id));
    const own = membersOf(configuration);
    note(
      this.#goneSince,
      own.filter((id) => !present.has(id)),
      now,
    );
    note(this.#learningSince, configuration.promotable, now);
    for (const { id, name } of members) if (own.includes(id)) this.#names.set(id, name);
    for (const id of this.#names.keys()) if (!own.includes(id)) this.#names.delete(id);
    const isWell = configuration.voters.every((id) => {
      return nodes.some((node) => node.id === id && node.status === "alive");
    });
    if (!isWell) this.#wellSince = now;
    const since = now - this.#policy.replacementWindowMs;
    this.#replacedAt = this.#replacedAt.filter((at) => at > since);
    return {
      now,
      self: this.#self,
      configuration,
      nodes,
      goneSince: this.#goneSince,
      superseded: this.#superseded(nodes),
      learningSince: this.#learningSince,
      changedAt: this.#changedAt,
      replacedAt: this.#replacedAt,
      wellSince: this.#wellSince,
    };
  }

  #superseded(nodes: readonly VoterNode[]): ReadonlySet<NodeId> {
    const superseded = new Set<NodeId>();
    for (const id of this.#goneSince.keys()) {
      const name = this.#names.get(id);
      if (name !== undefined && nodes.some((node) => node.name === name)) superseded.add(id);
    }
    return superseded;
  }
}

function nodesOf({ members, joined, zoneLabel, isEligible, configuration }: Sight): VoterNode[] {
  const own = new Set(membersOf(configuration));
  const nodes: VoterNode[] = [];
  for (const member of members) {
    const { id, name, labels, status } = member;
    if (status === "down" || status === "left") continue;
    // Members of the group are always looked at; of the others, so many.
    if (!own.has(id) && nodes.length >= CANDIDATES_MAX) continue;
    const hasJoined = joined.has(id) && isEligible(member);
    nodes.push({ id, name, zone: labels[zoneLabel], status, hasJoined });
  }
  return nodes;
}

/** Since when each is there. */
function note(since: Map<NodeId, number>, ids: readonly NodeId[], now: number): void {
  for (const id of since.keys()) if (!ids.includes(id)) since.delete(id);
  for (const id of ids) if (!since.has(id)) since.set(id, now);
}
