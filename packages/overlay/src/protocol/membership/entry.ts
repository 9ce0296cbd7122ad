/**
 * DirectoryEntry: what is known about one node, and which of two statements about it is the newer
 * one.
 *
 * The order is total, so merging (`newerEntry`) is commutative, associative and idempotent whatever
 * the order of arrival: newer boot, then `left` (nobody comes back from it), then higher
 * incarnation, then the worse status. The incarnation is SWIM's refutation counter: only its owner
 * raises it, so a status of equal incarnation can be contradicted by the node it speaks of and by
 * nobody else.
 */
import type { Boot, Member, MemberStatus, NodeId } from "@foundation/core";

/** One node as plain data. Immutable. */
export interface DirectoryEntry {
  readonly id: NodeId;
  readonly boot: Boot;
  /** Raised by the owner alone, to refute or to announce a change. Starts at 0 with each boot. */
  readonly incarnation: number;
  readonly status: MemberStatus;
  readonly address: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

const severity: Readonly<Record<MemberStatus, number>> = {
  alive: 0,
  draining: 1,
  suspect: 2,
  down: 3,
  left: 4,
};

/** True for `down` and `left`: no member any more, only a tombstone. */
export function isEnded(status: MemberStatus): boolean {
  return status === "down" || status === "left";
}

/** Positive when `a` is newer than `b`, negative when older, 0 only when they say the same. */
export function compareEntries(a: DirectoryEntry, b: DirectoryEntry): number {
  if (a.boot !== b.boot) return a.boot > b.boot ? 1 : -1;
  const left = Number(a.status === "left") - Number(b.status === "left");
  if (left !== 0) return left;
  if (a.incarnation !== b.incarnation) return a.incarnation - b.incarnation;
  const status = severity[a.status] - severity[b.status];
  return status !== 0 ? status : compareDescriptions(a, b);
}

/** The newer of two statements about one node. */
export function newerEntry(a: DirectoryEntry, b: DirectoryEntry): DirectoryEntry {
  return compareEntries(b, a) > 0 ? b : a;
}

/** The member as the application sees it. */
export function memberOf(entry: DirectoryEntry, status: MemberStatus = entry.status): Member {
  const { id, boot, name, address, roles, labels } = entry;
  return { id, boot, name, address, roles, labels, status };
}

/**
 * Only the owner describes itself, so equal (boot, incarnation) mean equal descriptions; should a
 * faulty peer break that, the text order still makes every node choose the same one.
 */
function compareDescriptions(a: DirectoryEntry, b: DirectoryEntry): number {
  return (
    compareTexts(a.address, b.address) ||
    compareTexts(a.name, b.name) ||
    (haveSameRoles(a, b) ? 0 : compareTexts(JSON.stringify(a.roles), JSON.stringify(b.roles))) ||
    (haveSameLabels(a, b) ? 0 : compareTexts(labelsOf(a), labelsOf(b)))
  );
}

/** Nearly always they are the same: found without making texts of them. */
function haveSameRoles(a: DirectoryEntry, b: DirectoryEntry): boolean {
  if (a.roles === b.roles) return true;
  return a.roles.length === b.roles.length && a.roles.every((role, at) => role === b.roles[at]);
}

function haveSameLabels(a: DirectoryEntry, b: DirectoryEntry): boolean {
  if (a.labels === b.labels) return true;
  const keys = Object.keys(a.labels);
  if (keys.length !== Object.keys(b.labels).length) return false;
  return keys.every((key) => Object.hasOwn(b.labels, key) && a.labels[key] === b.labels[key]);
}

function labelsOf(entry: DirectoryEntry): string {
  return JSON.stringify(Object.entries(entry.labels).sort(([a], [b]) => compareTexts(a, b)));
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a > b ? 1 : -1;
}
