/**
 * The messages of the membership protocol, on the coordination link of two nodes.
 *
 * They are plain data; the link layer encodes them. What arrives was authenticated, yet may come
 * from another version or a faulty peer, so `parseMembershipMessage` checks every field and length
 * before the protocol sees it. Unknown fields are ignored and an unknown type is counted, never
 * fatal: later versions may add both.
 */
import { isBoot, isNodeId, type Boot, type MemberStatus, type NodeId } from "@foundation/core";
import type { DirectoryEntry } from "./entry.js";
import { membershipLimits as limits } from "./limits.js";

/** A directory entry on the wire. */
export interface WireEntry extends DirectoryEntry {
  /**
   * For down and left: milliseconds since it was declared, so that tombstones end everywhere at
   * about one time.
   */
  readonly ageMs: number;
}

/** Which statement about which node a message speaks of. */
export interface Claim {
  readonly id: NodeId;
  readonly boot: Boot;
  readonly incarnation: number;
}

export type MembershipMessage =
  /** News, or what a node says when a link comes up. */
  | { readonly type: "updates"; readonly entries: readonly WireEntry[] }
  /**
   * `from` suspects the claimed node; `refused`: its link broke and nobody listens at its address
   * any more.
   */
  | (Claim & { readonly type: "suspect"; readonly from: NodeId; readonly refused: boolean })
  /**
   * A probe; the claim and status tell the receiver what is believed about it, so that it can
   * refute at once.
   */
  | (Claim & { readonly type: "ping"; readonly seq: number; readonly status: MemberStatus })
  | { readonly type: "ack"; readonly seq: number }
  /** Asks a helper to ping the claimed node. */
  | (Claim & { readonly type: "ping-req"; readonly seq: number; readonly status: MemberStatus })
  /**
   * The helper's answer: also "not reached" is one, since it proves that the asker itself is well
   * connected.
   */
  | { readonly type: "ping-res"; readonly seq: number; readonly reached: boolean }
  /** One hash of the whole directory; who has another one answers with a digest. */
  | { readonly type: "sum"; readonly sum: number }
  /** One hash for each bucket of the directory. */
  | { readonly type: "digest"; readonly buckets: readonly number[] }
  /**
   * All entries of the buckets that differed; the answer is `updates` with what is newer or missing
   * in them.
   */
  | {
      readonly type: "sync";
      readonly buckets: readonly number[];
      readonly entries: readonly WireEntry[];
    }
  /** Whether the sender wants to keep this link though nothing uses it; until told, it does. */
  | { readonly type: "want"; readonly wanted: boolean }
  /** What the sender holds for the cluster's topology: ../switching/record.ts, which checks it. */
  | { readonly type: "topology"; readonly record: unknown }
  /** Of the sender's topology, which checks it. */
  | { readonly type: "view"; readonly view: unknown };

const statuses: ReadonlySet<unknown> = new Set<MemberStatus>([
  "alive",
  "suspect",
  "draining",
  "down",
  "left",
]);

/**
 * The message, rebuilt from checked fields; undefined when it is malformed or of an unknown type.
 */
export function parseMembershipMessage(value: unknown): MembershipMessage | undefined {
  if (!isRecord(value)) return undefined;
  switch (value["type"]) {
    case "updates": {
      const entries = parseEntries(value["entries"]);
      return entries && { type: "updates", entries };
    }
    case "suspect": {
      const claim = parseClaim(value);
      const { from, refused } = value;
      if (!claim || !isNodeId(from) || typeof refused !== "boolean") return undefined;
      return { type: "suspect", ...claim, from, refused };
    }
    case "ping":
    case "ping-req": {
      const claim = parseClaim(value);
      const { seq, status } = value;
      if (!claim || !isCount(seq) || !isStatus(status)) return undefined;
      return { type: value["type"], ...claim, seq, status };
    }
    case "ack":
      return isCount(value["seq"]) ? { type: "ack", seq: value["seq"] } : undefined;
    case "ping-res": {
      const { seq, reached } = value;
      if (!isCount(seq) || typeof reached !== "boolean") return undefined;
      return { type: "ping-res", seq, reached };
    }
    case "sum":
      return isCount(value["sum"]) ? { type: "sum", sum: value["sum"] } : undefined;
    case "digest": {
      const buckets = parseNumbers(value["buckets"]);
      return buckets?.length === limits.digestBuckets ? { type: "digest", buckets } : undefined;
    }
    case "sync": {
      const buckets = parseNumbers(value["buckets"]);
      const entries = parseEntries(value["entries"]);
      return buckets && entries && { type: "sync", buckets, entries };
    }
    case "want": {
      const { wanted } = value;
      return typeof wanted === "boolean" ? { type: "want", wanted } : undefined;
    }
    case "topology":
      return { type: "topology", record: value["record"] };
    case "view":
      return { type: "view", view: value["view"] };
    default:
      return undefined;
  }
}

function parseEntries(value: unknown): WireEntry[] | undefined {
  if (!Array.isArray(value) || value.length > limits.entriesPerMessageMax) return undefined;
  const entries: WireEntry[] = [];
  for (const item of value as unknown[]) {
    const entry = parseEntry(item);
    if (!entry) return undefined;
    entries.push(entry);
  }
  return entries;
}

function parseEntry(value: unknown): WireEntry | undefined {
  if (!isRecord(value)) return undefined;
  const claim = parseClaim(value);
  const { status, address, name, roles, labels, ageMs } = value;
  if (!claim || !areRoles(roles) || !areLabels(labels) || !isStatus(status)) return undefined;
  if (descriptionCharsOf(roles, labels) > limits.descriptionCharsMax) return undefined;
  if (!isText(address) || !isText(name)) return undefined;
  if (typeof ageMs !== "number" || !Number.isFinite(ageMs) || ageMs < 0) return undefined;
  const { id, boot, incarnation } = claim;
  return { id, boot, incarnation, status, address, name, roles, labels, ageMs };
}

function parseClaim(value: Record<string, unknown>): Claim | undefined {
  const { id, boot, incarnation } = value;
  if (!isNodeId(id) || !isBoot(boot) || !isCount(incarnation)) return undefined;
  return { id, boot, incarnation };
}

/** True for a list of roles that other nodes accept. */
export function areRoles(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= limits.rolesMax && value.every(isText);
}

/** True for labels that other nodes accept. */
export function areLabels(value: unknown): value is Record<string, string> {
  if (!isRecord(value)) return false;
  const keys = Object.keys(value);
  return keys.length <= limits.labelsMax && keys.every((key) => isText(key) && isText(value[key]));
}

/** Characters of roles and labels together; at most `descriptionCharsMax` are accepted. */
export function descriptionCharsOf(
  roles: readonly string[],
  labels: Readonly<Record<string, string>>,
): number {
  let chars = 0;
  for (const role of roles) chars += role.length;
  for (const key of Object.keys(labels)) chars += key.length + (labels[key] ?? "").length;
  return chars;
}

function parseNumbers(value: unknown): number[] | undefined {
  if (!Array.isArray(value) || value.length > limits.digestBuckets) return undefined;
  const numbers = value as unknown[];
  return numbers.every(isCount) ? numbers : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 52;
}

function isStatus(value: unknown): value is MemberStatus {
  return statuses.has(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= limits.textLengthMax;
}
