/**
 * GroupLink: how the members of one group reach each other.
 *
 * Guarantees: `from` is an authenticated member of the cluster. Messages to one member and of one
 * lane arrive in order, at most once; between the lanes there is no order. Anything may be lost: Raft
 * sends again what matters. Handlers are called synchronously, never inside `send`.
 * Limits: a message is at most a command of `commandBytesMax` and `appendBytesAim` and some overhead.
 */
import type { NodeId } from "@foundation/core";

/** `control` for all but snapshots: they are large, and nobody waits for them. */
export type LinkLane = "control" | "bulk";

export interface LinkHandlers {
  /** `bytes` may be changed after the call. */
  onMessage(from: NodeId, bytes: Uint8Array): void;
  /** What was sent to the member lately may be lost: its connection broke, or it is down. */
  onUnreachable(peer: NodeId): void;
}

export interface GroupLink {
  /** This node. */
  readonly self: NodeId;
  /**
   * Sends without waiting; the bytes are the link's from then on.
   *
   * @returns false when the message was certainly not sent
   */
  send(to: NodeId, bytes: Uint8Array, lane: LinkLane): boolean;
  /** Begins to hear. Returns the function that ends it. Called once. */
  open(handlers: LinkHandlers): () => void;
}
