/**
 * The messages of HyParView, between two nodes that have a link.
 *
 * They are plain data; `wire.ts` gives them bytes. What arrives was authenticated, yet may come
 * from another version or a faulty peer, so `parseHyParViewMessage` checks every field and length
 * before the protocol sees it. Unknown fields are ignored.
 *
 * Messages that make two nodes neighbours (`join`, `neighbor`, `accept`) carry a number which their
 * sender never uses again: `accept` and `refuse` name the one they answer, and `disconnect` the
 * last one its sender had seen, so that one that crossed a newer agreement does not end it.
 */
import { isNodeId, type NodeId } from "@foundation/core";
import { hyparviewLimits as limits } from "./limits.js";

/**
 * Why a node wants to be a neighbour.
 *
 * `low`: it has a free place, and so must the other. `high`: it has too few neighbours; nobody
 * refuses. `swap`: it gives up a neighbour for this one (rotation); nobody refuses. `near`: the
 * same because this one is nearer (X-BOT); the other must find so too.
 */
export type NeighborReason = "low" | "high" | "swap" | "near";

export type HyParViewMessage =
  /** A newcomer to a contact: be my neighbour and find me others. */
  | { readonly type: "join"; readonly nr: number }
  /** A newcomer on its walk; `ttl`: hops left. */
  | { readonly type: "forward-join"; readonly newcomer: NodeId; readonly ttl: number }
  | { readonly type: "neighbor"; readonly nr: number; readonly why: NeighborReason }
  /** Yes, to request `to`. `evicted` lost its place for it and has a free one now. */
  | {
      readonly type: "accept";
      readonly nr: number;
      readonly to: number;
      readonly evicted: NodeId | undefined;
    }
  /** No, to request `to`; `alternatives` may have room. */
  | { readonly type: "refuse"; readonly to: number; readonly alternatives: readonly NodeId[] }
  /**
   * We are no neighbours any more. `alive`: the sender stays a member and may be asked another
   * time. `next` has a free place now.
   */
  | {
      readonly type: "disconnect";
      readonly alive: boolean;
      readonly seen: number;
      readonly next: NodeId | undefined;
      readonly alternatives: readonly NodeId[];
    }
  /** We are neighbours, says the sender; `nr`: its last number to the receiver. */
  | { readonly type: "keep"; readonly nr: number }
  /** Ids of `origin` on a walk; `open`: it has a free place. */
  | {
      readonly type: "shuffle";
      readonly origin: NodeId;
      readonly ttl: number;
      readonly open: boolean;
      readonly ids: readonly NodeId[];
    }
  /** Ids in exchange, on the way back to `origin`. */
  | { readonly type: "shuffle-reply"; readonly origin: NodeId; readonly ids: readonly NodeId[] };

export type MessageOf<Type extends HyParViewMessage["type"]> = HyParViewMessage & {
  readonly type: Type;
};

export const neighborReasons: readonly NeighborReason[] = ["low", "high", "swap", "near"];

/**
 * The message, rebuilt from checked fields; undefined when it is malformed or of an unknown type.
 */
export function parseHyParViewMessage(value: unknown): HyParViewMessage | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const fields = value as Record<string, unknown>;
  switch (fields["type"]) {
    case "join":
    case "keep":
      return isCount(fields["nr"]) ? { type: fields["type"], nr: fields["nr"] } : undefined;
    case "forward-join": {
      const { newcomer, ttl } = fields;
      return isNodeId(newcomer) && isTtl(ttl) ? { type: "forward-join", newcomer, ttl } : undefined;
    }
    case "neighbor": {
      const { nr, why } = fields;
      return isCount(nr) && isReason(why) ? { type: "neighbor", nr, why } : undefined;
    }
    case "accept": {
      const { nr, to, evicted } = fields;
      if (!isCount(nr) || !isCount(to) || !isOptionalId(evicted)) return undefined;
      return { type: "accept", nr, to, evicted };
    }
    case "refuse": {
      const { to, alternatives } = fields;
      if (!isCount(to) || !areIds(alternatives)) return undefined;
      return { type: "refuse", to, alternatives };
    }
    case "disconnect": {
      const { alive, seen, next, alternatives } = fields;
      if (typeof alive !== "boolean" || !isCount(seen) || !isOptionalId(next)) return undefined;
      if (!areIds(alternatives)) return undefined;
      return { type: "disconnect", alive, seen, next, alternatives };
    }
    case "shuffle": {
      const { origin, ttl, open, ids } = fields;
      if (!isNodeId(origin) || !isTtl(ttl) || typeof open !== "boolean" || !areIds(ids)) {
        return undefined;
      }
      return { type: "shuffle", origin, ttl, open, ids };
    }
    case "shuffle-reply": {
      const { origin, ids } = fields;
      return isNodeId(origin) && areIds(ids) ? { type: "shuffle-reply", origin, ids } : undefined;
    }
    default:
      return undefined;
  }
}

function areIds(value: unknown): value is NodeId[] {
  return Array.isArray(value) && value.length <= limits.idsPerMessageMax && value.every(isNodeId);
}

function isOptionalId(value: unknown): value is NodeId | undefined {
  return value === undefined || isNodeId(value);
}

function isReason(value: unknown): value is NeighborReason {
  return neighborReasons.includes(value as NeighborReason);
}

function isTtl(value: unknown): value is number {
  return isCount(value) && value <= limits.walkHopsMax;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
