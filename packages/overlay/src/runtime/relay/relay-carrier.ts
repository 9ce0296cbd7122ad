/** RelayCarrier: what takes relay frames from a node to the nodes it is linked to. */
import type { NodeId } from "@foundation/core";

/**
 * Guarantees: frames of one link arrive whole, in the order they were sent, once, and never inside
 * the call that sent them. None is lost while the link lasts; where one may have been, the link is
 * told to have ended, on both sides, before the next frame arrives.
 */
export interface RelayCarrier {
  isLinked(neighbor: NodeId): boolean;
  /**
   * Sends one frame; its bytes are taken before this returns. Answers how many bytes wait for that
   * neighbour now, or -1: there is no link, and nothing was sent.
   */
  send(neighbor: NodeId, frame: Uint8Array): number;
}
