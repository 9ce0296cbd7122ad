/**
 * The messages of the broadcast tree, between two neighbours.
 *
 * They are plain data; `wire.ts` is their binary form. Both readers check every field and length:
 * what arrives was authenticated, yet may come from another version or a faulty peer. Unknown
 * fields are ignored; what is malformed or of an unknown type gives undefined, never an error.
 */
import { isBoot, isNodeId, type Boot, type NodeId } from "@foundation/core";
import { plumtreeLimits as limits } from "./limits.js";

/** Sequence numbers start at 1 and take six bytes on the wire. */
export const SEQ_MAX = 2 ** 48 - 1;
/** Hops are counted up to this. */
export const HOP_MAX = 255;
/** The largest `back`; four bytes on the wire. */
export const BACK_MAX = 2 ** 32 - 1;

/** Consecutive messages of one start of a node, `lo` to `hi`, both included. */
export interface Run {
  readonly origin: NodeId;
  readonly boot: Boot;
  readonly lo: number;
  /** In a digest it may be `lo - 1`: nothing is kept any more, and the next one will be `lo`. */
  readonly hi: number;
  /**
   * Links a message would have travelled if it came from the sender. In a digest, 1: earlier ones
   * may be for the receiver too, which were sent to each member and are not kept; else 0.
   */
  readonly hop: number;
}

/** A broadcast message. */
export interface Gossip<P> {
  readonly type: "gossip";
  readonly origin: NodeId;
  readonly boot: Boot;
  readonly seq: number;
  /** Links it has travelled when it arrives. */
  readonly hop: number;
  /**
   * How many messages right before this one were sent by its origin lately: who hears of the origin
   * for the first time begins with them.
   */
  readonly back: number;
  /**
   * It came, or its ancestor came, beside the tree (pulled, or flooded by its origin): it says
   * nothing about which links are redundant.
   */
  readonly beside: boolean;
  readonly payload: P;
}

export type PlumtreeMessage<P> =
  | Gossip<P>
  /** Announces messages (the paper's IHAVE, batched). */
  | { readonly type: "have"; readonly runs: readonly Run[] }
  /** Asks for messages; `eager`: and for all later ones (the paper's GRAFT). Runs may be empty. */
  | { readonly type: "graft"; readonly eager: boolean; readonly runs: readonly Run[] }
  /** From now on, announcements only. */
  | { readonly type: "prune" }
  /** What the sender could send; on link-up all of it, later a part, to one neighbour. */
  | {
      readonly type: "digest";
      /** Answer with what you have beyond this. */
      readonly ask: boolean;
      /** Another part follows. */
      readonly more: boolean;
      /** The sender knows no better than the receiver where sources are: it has just begun. */
      readonly fresh: boolean;
      /** On link-up: send me payloads, this link may be all that connects me to the tree. */
      readonly seeking: boolean;
      readonly runs: readonly Run[];
    }
  /** The sender has this large message: do not send it (gossipsub's IDONTWANT). */
  | {
      readonly type: "unwanted";
      readonly origin: NodeId;
      readonly boot: Boot;
      readonly seq: number;
    };

/**
 * The message, rebuilt from checked fields; undefined when it is malformed or of an unknown type.
 *
 * @param isPayload tells a payload of the right kind
 */
export function parsePlumtreeMessage<P>(
  value: unknown,
  isPayload: (payload: unknown) => payload is P,
): PlumtreeMessage<P> | undefined {
  if (!isRecord(value)) return undefined;
  switch (value["type"]) {
    case "gossip": {
      const { origin, boot, seq, hop, back, beside, payload } = value;
      if (!isNodeId(origin) || !isBoot(boot) || !isSeq(seq)) return undefined;
      if (!isCount(hop, HOP_MAX) || !isCount(back, BACK_MAX)) return undefined;
      if (typeof beside !== "boolean" || !isPayload(payload)) return undefined;
      return { type: "gossip", origin, boot, seq, hop, back, beside, payload };
    }
    case "have": {
      const runs = parseRuns(value["runs"], 1);
      return runs && { type: "have", runs };
    }
    case "graft": {
      const { eager } = value;
      const runs = parseRuns(value["runs"], 1);
      return runs && typeof eager === "boolean" ? { type: "graft", eager, runs } : undefined;
    }
    case "prune":
      return { type: "prune" };
    case "digest": {
      const { ask, more, fresh, seeking } = value;
      const runs = parseRuns(value["runs"], 0);
      if (!runs || typeof ask !== "boolean" || typeof more !== "boolean") return undefined;
      if (typeof fresh !== "boolean" || typeof seeking !== "boolean") return undefined;
      return { type: "digest", ask, more, fresh, seeking, runs };
    }
    case "unwanted": {
      const { origin, boot, seq } = value;
      if (!isNodeId(origin) || !isBoot(boot) || !isSeq(seq)) return undefined;
      return { type: "unwanted", origin, boot, seq };
    }
    default:
      return undefined;
  }
}

function parseRuns(value: unknown, lengthMin: number): Run[] | undefined {
  if (!Array.isArray(value) || value.length > limits.runsPerMessageMax) return undefined;
  const runs: Run[] = [];
  for (const item of value as unknown[]) {
    if (!isRecord(item)) return undefined;
    const { origin, boot, lo, hi, hop } = item;
    if (!isNodeId(origin) || !isBoot(boot) || !isSeq(lo)) return undefined;
    if (!isCount(hi, SEQ_MAX) || hi - lo + 1 < lengthMin) return undefined;
    if (!isCount(hop, HOP_MAX)) return undefined;
    runs.push({ origin, boot, lo, hi, hop });
  }
  return runs;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSeq(value: unknown): value is number {
  return isCount(value, SEQ_MAX) && value > 0;
}

function isCount(value: unknown, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
}
