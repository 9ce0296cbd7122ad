/**
 * VoterDecision: the next step towards the voters that a group should have.
 *
 * A pure function of what the leader sees. Who replaces is added first, as a learner, which the core makes a voter
 * once it has caught up (thesis, section 4.2.1); only then does the replaced one go. So on the way the group
 * survives at least as many deaths as before: with n voters of which d are gone it survives floor((n - 1) / 2) - d
 * more, and adding one that lives never lowers that.
 *
 * Invariants: one change at a time, none while one is under way; no voter is removed while a majority of those
 * that would stay is not there to decide; a voter that is merely gone for a while is never removed; equal views
 * give equal decisions.
 */
import type { NodeId } from "@foundation/core";
import {
  isJoint,
  type Configuration,
  type MemberChange,
} from "../../protocol/raft/configuration.js";
import type { VoterPolicy } from "../limits.js";
import { bestSpread, crowdedFirst, gainOf } from "./zones.js";

/** A node of the cluster as a voter, or as one who may become one. */
export interface VoterNode {
  readonly id: NodeId;
  readonly name: string;
  /** Where it stands: a zone, a rack. Undefined: not told. */
  readonly zone: string | undefined;
  readonly status: "alive" | "suspect" | "draining";
  /** It has joined the group, so it may be added. */
  readonly hasJoined: boolean;
}

export interface VoterView {
  readonly now: number;
  /** The leader, whose view this is. */
  readonly self: NodeId;
  readonly configuration: Configuration;
  /** Nodes that run, this one included. */
  readonly nodes: readonly VoterNode[];
  /** Since when members of the group are not among the nodes. */
  readonly goneSince: ReadonlyMap<NodeId, number>;
  /** Members that are gone, and whose name another node bears. */
  readonly superseded: ReadonlySet<NodeId>;
  /** Since when learners are to become voters. */
  readonly learningSince: ReadonlyMap<NodeId, number>;
  /** When the last change was committed, or tried in vain. */
  readonly changedAt: number;
  /** When members were replaced, oldest first. */
  readonly replacedAt: readonly number[];
  /** Since when nothing was to be done. */
  readonly wellSince: number;
}

export type VoterDecision =
  /** Nothing to do; look again at `at`, or when something happens. */
  | { readonly type: "none"; readonly why: string; readonly at?: number }
  | {
      readonly type: "change";
      readonly changes: readonly MemberChange[];
      readonly why: string;
      /** It begins the replacement of a voter, which is counted. */
      readonly replaces: boolean;
    }
  | { readonly type: "transfer"; readonly to: NodeId; readonly why: string };

/** What to do next. */
export function decideVoters(view: VoterView, policy: VoterPolicy): VoterDecision {
  if (isJoint(view.configuration)) return none("a change of members is under way");
  const calmAt = view.changedAt + policy.changeIntervalMs;
  if (view.now < calmAt) return none("the last change was just now", calmAt);
  const crew = crewOf(view, policy);
  return (
    handOver(view, crew) ??
    dropLearner(view, policy, crew) ??
    dropReplaced(crew, policy) ??
    addVoters(view, policy, crew) ??
    retreat(crew) ??
    dropSurplus(view, crew, policy) ??
    spread(view, policy, crew) ??
    waitFor(view, policy, crew)
  );
}

/** Voters by what is to become of them. */
interface Crew {
  readonly voters: readonly NodeId[];
  /** They run and stay. */
  readonly well: readonly NodeId[];
  /** Gone for too long. */
  readonly dead: readonly NodeId[];
  /** They run, and said that they will leave. */
  readonly leaving: readonly NodeId[];
  /** Gone, or suspected, not for long. */
  readonly away: readonly NodeId[];
  /** Learners on their way to become voters that run and stay. */
  readonly coming: readonly NodeId[];
  /** Who may be added. */
  readonly candidates: readonly VoterNode[];
  /** Voters wanted now. */
  readonly target: number;
  readonly nodes: ReadonlyMap<NodeId, VoterNode>;
}

function crewOf(view: VoterView, policy: VoterPolicy): Crew {
  const nodes = new Map(view.nodes.map((node) => [node.id, node]));
  const { voters, promotable } = view.configuration;
  const isLeaving = (id: NodeId): boolean => nodes.get(id)?.status === "draining";
  const isWell = (id: NodeId): boolean => nodes.get(id)?.status === "alive";
  const isDead = (id: NodeId): boolean => !nodes.has(id) && view.now >= deadAt(view, policy, id);
  const dead = voters.filter(isDead);
  const leaving = voters.filter(isLeaving);
  const well = voters.filter(isWell);
  const away = voters.filter((id) => !isWell(id) && !isLeaving(id) && !dead.includes(id));
  const coming = promotable.filter((id) => nodes.has(id) && !isLeaving(id));
  const candidates = view.nodes.filter(({ id, status, hasJoined }) => {
    const isIn = voters.includes(id) || promotable.includes(id);
    return status === "alive" && hasJoined && !isIn;
  });
  const possible = well.length + away.length + coming.length + candidates.length;
  const target = Math.max(1, Math.min(policy.voters, possible - ((possible + 1) % 2)));
  return { voters, well, dead, leaving, away, coming, candidates, target, nodes };
}

function deadAt(view: VoterView, policy: VoterPolicy, id: NodeId): number {
  const since = view.goneSince.get(id);
  if (since === undefined) return Infinity;
  const { deadAfterMs, supersededAfterMs } = policy;
  const isSuperseded = view.superseded.has(id);
  return since + (isSuperseded ? Math.min(supersededAfterMs, deadAfterMs) : deadAfterMs);
}

/** A leader that will leave hands over first: the next one goes on. */
function handOver(view: VoterView, crew: Crew): VoterDecision | undefined {
  const to = crew.well.find((id) => id !== view.self);
  if (!crew.leaving.includes(view.self) || to === undefined) return undefined;
  const why = `${nameOf(crew, view.self)} leads and will leave, ${nameOf(crew, to)} stays`;
  return { type: "transfer", to, why };
}

/** Learners never decide anything, so one that is gone can go at any time. */
function dropLearner(view: VoterView, policy: VoterPolicy, crew: Crew): VoterDecision | undefined {
  const { learners, promotable } = view.configuration;
  const lost = learners.find((id) => {
    const status = crew.nodes.get(id)?.status;
    return status === "draining" || (!status && view.now >= deadAt(view, policy, id));
  });
  if (lost !== undefined) return remove(lost, `the learner ${nameOf(crew, lost)} is gone`);
  const isOther = crew.candidates.some(({ id }) => !learners.includes(id));
  const slow = promotable.find((id) => {
    const since = view.learningSince.get(id);
    return since !== undefined && view.now >= since + policy.catchUpMs;
  });
  if (slow === undefined || !isOther) return undefined;
  return remove(slow, `${nameOf(crew, slow)} does not catch up, and there are others`);
}

/** Who is gone goes once enough others vote, or where that survives one death more: from an even number. */
function dropReplaced(crew: Crew, policy: VoterPolicy): VoterDecision | undefined {
  const [gone] = [...crew.dead, ...crew.leaving];
  if (gone === undefined) return undefined;
  const { voters, well, away } = crew;
  const isReplaced = well.length + away.length >= policy.voters;
  if ((!isReplaced && voters.length % 2 === 1) || !mayRemove(crew, gone)) return undefined;
  const what = crew.dead.includes(gone) ? "is dead" : "will leave";
  return remove(gone, `${nameOf(crew, gone)} ${what}, and the others need no vote of it`);
}

function addVoters(view: VoterView, policy: VoterPolicy, crew: Crew): VoterDecision | undefined {
  const { voters, well, away, coming, dead, leaving, candidates, target } = crew;
  const future = [...well, ...away, ...coming];
  const missing = Math.max(target, Math.min(policy.voters, voters.length)) - future.length;
  if (missing <= 0 || candidates.length === 0) return undefined;
  const replaced = [...dead, ...leaving];
  const replaces = replaced.length > coming.length;
  if (replaces) {
    const since = view.now - policy.replacementWindowMs;
    const recent = view.replacedAt.filter((at) => at > since);
    const [first] = recent;
    if (first !== undefined && recent.length >= policy.replacementsMax) {
      const why = `${recent.length} voters were replaced lately, which is the limit: look at the network first`;
      return none(why, first + policy.replacementWindowMs);
    }
  }
  // Growth from an odd number goes by two: with an even one nothing more is survived.
  const count = replaces || (voters.length + coming.length) % 2 === 0 ? 1 : Math.min(2, missing);
  const added: NodeId[] = [];
  for (let rest = candidates; added.length < count; ) {
    const zones = [...future, ...added].map((id) => crew.nodes.get(id)?.zone);
    const best = bestSpread(rest, zones, view.configuration.learners);
    if (!best) break;
    added.push(best.id);
    rest = rest.filter(({ id }) => id !== best.id);
  }
  const names = added.map((id) => nameOf(crew, id)).join(" and ");
  const why = replaces
    ? `${names} will take the place of ${replaced.map((id) => nameOf(crew, id)).join(", ")}`
    : `${target} voters are possible, and there are ${future.length}: ${names} will vote too`;
  const changes = added.map((id) => ({ type: "add-when-caught-up" as const, id }));
  return { type: "change", changes, why, replaces };
}

/**
 * Nobody can take the place of those who are dead or will leave: fewer voters may survive more. Of three, one dead
 * and one leaving, the last one alone has a quorum only when it is the only voter.
 */
function retreat(crew: Crew): VoterDecision | undefined {
  const { voters, well, away, dead, leaving, coming } = crew;
  const gone = [...dead, ...leaving];
  const [first] = gone;
  if (first === undefined || crew.candidates.length > 0 || coming.length > 0) return undefined;
  const staying = well.length + away.length;
  const spareOf = (size: number): number => staying - quorum(size);
  const isBetter = gone.some((_, i) => spareOf(voters.length - i - 1) > spareOf(voters.length));
  if (!isBetter || !mayRemove(crew, first)) return undefined;
  const why = `${nameOf(crew, first)} is gone or will be, nobody can take its place, and fewer voters survive more`;
  return remove(first, why);
}

function dropSurplus(view: VoterView, crew: Crew, policy: VoterPolicy): VoterDecision | undefined {
  const { voters, well, away, coming, target } = crew;
  // Where five are wanted and there are four nodes, one vote of four is too many as well: three survive as much.
  const wanted = voters.length % 2 === 0 && target >= 3 ? target : policy.voters;
  if (well.length + away.length <= wanted || coming.length > 0) return undefined;
  // One that is away before one that is there, then from where most are.
  const zoned = crowdedFirst(well, (id) => crew.nodes.get(id)?.zone);
  const surplus = [...away, ...zoned].find((id) => id !== view.self && mayRemove(crew, id));
  if (surplus === undefined) return undefined;
  return remove(surplus, `${wanted} voters are wanted, and there are more`);
}

/** All is well: a voter where none is yet is worth more than a second one in a zone. */
function spread(view: VoterView, policy: VoterPolicy, crew: Crew): VoterDecision | undefined {
  const { voters, well, coming, candidates } = crew;
  if (well.length !== voters.length || coming.length > 0) return undefined;
  const zones = voters.map((id) => crew.nodes.get(id)?.zone);
  const placed = candidates.filter(({ zone }) => zone !== undefined);
  const best = bestSpread(placed, zones, view.configuration.learners);
  if (!best || gainOf(best.zone, zones) <= 0) return undefined;
  const at = view.wellSince + policy.spreadAfterMs;
  if (view.now < at) return none("voters will be spread better over zones", at);
  const why = `no voter is better placed than ${best.name} would be, in ${best.zone ?? "no zone"}`;
  const changes = [{ type: "add-when-caught-up" as const, id: best.id }];
  return { type: "change", changes, why, replaces: false };
}

function waitFor(view: VoterView, policy: VoterPolicy, crew: Crew): VoterDecision {
  const times = view.configuration.voters
    .concat(view.configuration.learners)
    .map((id) => deadAt(view, policy, id))
    .filter((at) => at > view.now && at < Infinity);
  const at = times.length > 0 ? Math.min(...times) : undefined;
  const { coming, away, dead, leaving, target, voters } = crew;
  const names = (ids: readonly NodeId[]): string => ids.map((id) => nameOf(crew, id)).join(", ");
  if (coming.length > 0) return none(`${names(coming)} will vote when it has caught up`, at);
  if (dead.length > 0) return none(`${names(dead)} is dead, and nobody can take its place`, at);
  if (leaving.length > 0) {
    return none(`${names(leaving)} will leave, and nobody can take its place`, at);
  }
  if (away.length > 0) return none(`${names(away)} is away, not for long yet`, at);
  return none(`${voters.length} voters of ${target} that are possible`, at);
}

/**
 * A removal must be decided by a majority of those who stay; and of one that runs, it must not lower how many
 * deaths the group survives.
 */
function mayRemove({ voters, well, leaving }: Crew, id: NodeId): boolean {
  const runs = (one: NodeId): boolean => well.includes(one) || leaving.includes(one);
  const staying = voters.filter((voter) => voter !== id);
  return staying.length > 0 && staying.filter(runs).length >= quorum(staying.length);
}

function quorum(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

function remove(id: NodeId, why: string): VoterDecision {
  return { type: "change", changes: [{ type: "remove", id }], why, replaces: false };
}

function none(why: string, at?: number): VoterDecision {
  return at === undefined ? { type: "none", why } : { type: "none", why, at };
}

function nameOf({ nodes }: Crew, id: NodeId): string {
  return nodes.get(id)?.name ?? id;
}
