/**
 * The messages of HyParView, between two nodes that have a link.
 *
 * They are plain data; `wire.ts` gives them bytes. What arrives was authenticated, yet may come
 * from another version or a faulty peer, so `decode` there checks every field and length before the
 * protocol sees a message.
 *
 * Messages that make two nodes neighbours (`join`, `neighbor`, `accept`) carry a number which their
 * sender never uses again: `accept` and `refuse` name the one they answer, and `disconnect` the
 * last one its sender had seen, so that one that crossed a newer agreement does not end it.
 */
import type { NodeId } from "@foundation/core";

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
