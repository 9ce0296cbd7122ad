/**
 * What replicas of an owner-sharded store tell each other, and the check of what arrives.
 *
 * Peers are authenticated but may run another version, so nothing of a message is used before its
 * shape was checked here; a message that is not well formed is dropped whole.
 */
import { isBoot, isNodeId, type Boot, type NodeId } from "@foundation/core";
import type { OwnedLimits } from "../../limits.js";

/** A write: key, sequence, value; without a value it is a deletion. */
export type WireEntry<V> = readonly [string, number, V] | readonly [string, number];

/** All of a shard's latest writes with a sequence in (from, to]. */
export interface Delta<V> {
  readonly type: "delta";
  readonly owner: NodeId;
  readonly boot: Boot;
  readonly from: number;
  readonly to: number;
  /** Deletions at or below it may be missing at the sender. */
  readonly floor: number;
  /** The sender's sequence: beyond `to` there is more to pull. */
  readonly head: number;
  readonly entries: readonly WireEntry<V>[];
}

/** Asks for what comes after a position. */
export interface Pull {
  readonly type: "pull";
  readonly owner: NodeId;
  readonly boot: Boot;
  readonly sequence: number;
  readonly floor: number;
}

/** One line of a version vector: owner, boot, sequence, floor. */
export type VectorEntry = readonly [NodeId, Boot, number, number];

/** Where the sender stands with the shards of the owners in (after, through]. */
export interface Vector {
  readonly type: "vector";
  /** Absent: only the shards named are meant, and nothing follows from an owner's absence. */
  readonly range?: { readonly after: string; readonly through: string };
  /** The sender has just met the receiver and wants to hear where the receiver's shard stands. */
  readonly hello?: boolean;
  readonly entries: readonly VectorEntry[];
}

export type OwnedMessage<V> = Delta<V> | Pull | Vector;

/** After every NodeId in text order: the end of the last range. */
export const END_OF_IDS = "g";

/** The message a peer sent, or what is wrong with it. */
export function parseOwnedMessage<V>(
  payload: unknown,
  limits: OwnedLimits,
): { readonly message: OwnedMessage<V> } | { readonly problem: string } {
  if (typeof payload !== "object" || payload === null) return { problem: "not an object" };
  const message = payload as { readonly type?: unknown };
  switch (message.type) {
    case "delta":
      return checked(payload, deltaProblem(payload as Partial<Delta<V>>, limits));
    case "pull":
      return checked(payload, pullProblem(payload as Partial<Pull>));
    case "vector":
      return checked(payload, vectorProblem(payload as Partial<Vector>));
    default:
      return { problem: "of an unknown type" };
  }
}

function checked<V>(payload: unknown, problem: string | undefined) {
  return problem === undefined ? { message: payload as OwnedMessage<V> } : { problem };
}

function deltaProblem<V>(delta: Partial<Delta<V>>, limits: OwnedLimits): string | undefined {
  if (!isNodeId(delta.owner) || !isBoot(delta.boot)) return "a delta without owner and boot";
  const { from, to, floor, head, entries } = delta;
  if (!isCount(from) || !isCount(to) || !isCount(floor) || !isCount(head)) {
    return "a delta whose from, to, floor or head is no count";
  }
  if (from > to || to > head) return "a delta whose positions are out of order";
  if (!Array.isArray(entries)) return "a delta without entries";
  let last = from;
  for (const entry of entries as readonly unknown[]) {
    if (!isEntry(entry, limits)) return "a delta with a malformed entry";
    if (entry[1] <= last || entry[1] > to) return "a delta with an entry out of order";
    last = entry[1];
  }
  return undefined;
}

function isEntry(entry: unknown, limits: OwnedLimits): entry is WireEntry<unknown> {
  if (!Array.isArray(entry) || entry.length < 2 || entry.length > 3) return false;
  const [key, sequence] = entry as readonly unknown[];
  return typeof key === "string" && key.length <= limits.keyBytesMax && isCount(sequence);
}

function pullProblem(pull: Partial<Pull>): string | undefined {
  if (!isNodeId(pull.owner) || !isBoot(pull.boot)) return "a pull without owner and boot";
  return isCount(pull.sequence) && isCount(pull.floor) ? undefined : "a pull without a position";
}

function vectorProblem(vector: Partial<Vector>): string | undefined {
  const { range, entries } = vector;
  if (!Array.isArray(entries)) return "a vector without entries";
  if (range !== undefined && range !== null) {
    if (typeof range.after !== "string" || typeof range.through !== "string") {
      return "a vector with a malformed range";
    }
  }
  for (const entry of entries as readonly unknown[]) {
    if (!Array.isArray(entry) || entry.length !== 4) return "a vector with a malformed entry";
    const [owner, boot, sequence, floor] = entry as readonly unknown[];
    if (!isNodeId(owner) || !isBoot(boot) || !isCount(sequence) || !isCount(floor)) {
      return "a vector with a malformed entry";
    }
  }
  return undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
