/**
 * Judge: which of the candidates may run a child, by its constraints, and why not the others.
 *
 * In order: what a node offers by itself (role, labels, load), what its other children leave room
 * for (capacity, affinity, anti-affinity), and last the spread, over the zones of the nodes that are
 * left: so a zone that can take nobody holds up nobody, and the spread is as even as all else allows.
 * Of the nodes that may, those are kept that meet most of what is `preferred`.
 *
 * Invariants: every candidate is either eligible or refused with a reason; the answer depends on
 * its inputs alone and not on the order of the candidates; with no constraints all are eligible.
 */
import type { Member, NodeLoad } from "@foundation/core";
import { assert } from "./assert.js";
import type { Owner } from "./child-spec.js";
import type { Below, Constraints, Softness, Spread } from "./constraints.js";
import { peerOf, type Occupancy, type Placeable } from "./occupancy.js";
import { describeSelector, isSelected, selectorOf } from "./peers.js";

/** What is known when a child is placed. */
export interface Ground {
  /** All current members: their children count in the spread too. */
  readonly members: readonly Member[];
  readonly occupancy: Occupancy;
  /** How busy a node is; undefined where loads do not count, because nodes must agree. */
  readonly loadOf?: ((member: Member) => NodeLoad | undefined) | undefined;
}

/** A node that may not run the child. */
export interface Refusal {
  readonly member: Member;
  readonly why: string;
}

export interface Judged {
  /** In the order of the candidates. */
  readonly eligible: readonly Member[];
  readonly refused: readonly Refusal[];
}

/** Sorts the candidates into those that may run the child and those that may not. */
export function judge(child: Placeable, candidates: readonly Member[], ground: Ground): Judged {
  const constraints = child.rules?.constraints;
  if (constraints === undefined && !ground.occupancy.hasExclusions) {
    return { eligible: candidates, refused: [] };
  }
  const refused: Refusal[] = [];
  const able: Able[] = [];
  const asked = constraints ?? {};
  const first = isFirst(child, asked, ground);
  for (const member of candidates) {
    const looked = look(child, asked, member, ground, first);
    if (typeof looked === "string") refused.push({ member, why: looked });
    else able.push(looked);
  }
  const { spread } = asked;
  const kept = spread === undefined ? able : spreadOver(child, spread, able, ground, refused);
  assert(kept.length + refused.length === candidates.length, "every candidate is judged once");
  const fewest = Math.min(...kept.map(({ unmet }) => unmet));
  return {
    eligible: kept.filter(({ unmet }) => unmet === fewest).map(({ member }) => member),
    refused,
  };
}

/**
 * True when where the child may run depends on where others do: its own constraints speak of
 * others, or somebody keeps others off its node.
 */
export function isSensitive(child: Placeable, occupancy: Occupancy): boolean {
  if (occupancy.hasExclusions) return true;
  const { capacity, affinity, antiAffinity, spread } = child.rules?.constraints ?? {};
  return (capacity ?? affinity ?? antiAffinity ?? spread) !== undefined;
}

/** A member as the owner of what it runs. */
export function ownerOf({ id, boot }: Member): Owner {
  return { node: id, boot };
}

interface Able {
  readonly member: Member;
  /** How many preferences it does not meet. */
  unmet: number;
}

/** True when nobody runs yet to whom the child would be near, and it is one of those itself. */
function isFirst(child: Placeable, { affinity }: Constraints, ground: Ground): boolean {
  if (affinity === undefined) return false;
  const peer = peerOf(child);
  const selector = selectorOf(affinity, peer);
  if (!isSelected(selector, peer)) return false;
  return !ground.members.some(
    (member) =>
      member.status !== "draining" && ground.occupancy.count(selector, ownerOf(member), child) > 0,
  );
}

/** The first hard constraint that is not met, in words; else how many preferences are not. */
function look(
  child: Placeable,
  constraints: Constraints,
  member: Member,
  ground: Ground,
  first: boolean,
): Able | string {
  const { role, labels } = constraints;
  if (role !== undefined && !member.roles.includes(role)) return `it has no role "${role}"`;
  for (const [label, value] of Object.entries(labels ?? {})) {
    const found = Object.hasOwn(member.labels, label) ? member.labels[label] : undefined;
    if (found === value) continue;
    return `its label ${label} is ${found === undefined ? "not set" : `"${found}"`}, not "${value}"`;
  }
  const exclusion = ground.occupancy.exclusion(ownerOf(member), child);
  if (exclusion !== undefined) {
    return `a child of it keeps ${describeSelector(exclusion)} off its node`;
  }
  const able = { member, unmet: 0 };
  for (const { softness, why } of shortcomings(child, constraints, member, ground, first)) {
    if (softness.preferred !== true) return why;
    able.unmet += 1;
  }
  return able;
}

interface Shortcoming {
  readonly softness: Softness;
  readonly why: string;
}

function* shortcomings(
  child: Placeable,
  constraints: Constraints,
  member: Member,
  ground: Ground,
  first: boolean,
): Iterable<Shortcoming> {
  const { cpu, memory, capacity, affinity, antiAffinity } = constraints;
  const load = ground.loadOf?.(member);
  if (load !== undefined) {
    yield* above("cpu", cpu, Math.max(load.eventLoop, load.processor));
    yield* above("memory", memory, load.memory);
  }
  const { occupancy } = ground;
  const [peer, owner] = [peerOf(child), ownerOf(member)];
  if (capacity !== undefined) {
    const room = typeof capacity === "number" ? { max: capacity } : capacity;
    const selector = selectorOf(room, peer);
    const count = occupancy.count(selector, owner, child);
    if (count >= room.max) {
      const why = `it runs ${count} of ${describeSelector(selector)}, and may ${room.max}`;
      yield { softness: room, why };
    }
  }
  if (antiAffinity !== undefined) {
    const selector = selectorOf(antiAffinity, peer);
    const count = occupancy.count(selector, owner, child);
    const why = `it runs ${count} of ${describeSelector(selector)}, which the child avoids`;
    if (count > 0) yield { softness: antiAffinity, why };
  }
  if (affinity !== undefined && !first) {
    const selector = selectorOf(affinity, peer);
    const why = `it runs none of ${describeSelector(selector)}, which the child stays with`;
    if (occupancy.count(selector, owner, child) === 0) yield { softness: affinity, why };
  }
}

function* above(name: string, limit: Below | undefined, share: number): Iterable<Shortcoming> {
  if (limit === undefined || share < limit.below) return;
  const why = `its ${name} is used to ${share.toFixed(2)}, not below ${limit.below}`;
  yield { softness: limit, why };
}

/** Of those that may otherwise, those whose zone is not too far ahead of the emptiest one. */
function spreadOver(
  child: Placeable,
  spread: Spread,
  able: readonly Able[],
  { members, occupancy }: Ground,
  refused: Refusal[],
): readonly Able[] {
  const { over, maxSkew = 1 } = spread;
  const selector = selectorOf(spread, peerOf(child));
  const counts = new Map<string, number>();
  for (const member of members) {
    const zone = zoneOf(member, over);
    if (zone === undefined || member.status === "draining") continue;
    const count = occupancy.count(selector, ownerOf(member), child);
    counts.set(zone, (counts.get(zone) ?? 0) + count);
  }
  const countIn = (zone: string) => counts.get(zone) ?? 0;
  const zones = new Set(able.map(({ member }) => zoneOf(member, over)));
  zones.delete(undefined);
  const emptiest = Math.min(...[...(zones as Set<string>)].map(countIn));
  return able.flatMap((each) => {
    const zone = zoneOf(each.member, over);
    if (zone !== undefined && countIn(zone) + 1 - emptiest <= maxSkew) return [each];
    if (spread.preferred === true) return [{ ...each, unmet: each.unmet + 1 }];
    const why =
      zone === undefined
        ? `it has no label ${over}`
        : `its ${over} ${zone} has ${countIn(zone)} of ${describeSelector(selector)}, ` +
          `the emptiest has ${emptiest}`;
    refused.push({ member: each.member, why });
    return [];
  });
}

function zoneOf({ labels }: Member, over: string): string | undefined {
  return Object.hasOwn(labels, over) ? labels[over] : undefined;
}
