/**
 * The rules of links, pure: who may be linked to whom when connections cross, processes restart or
 * ids clash.
 *
 * Crossing dials: the node with the LOWER id decides. Once its own dial has sent its proof it
 * refuses the other's dial; once it has admitted the other's dial it gives its own up before
 * proving. The node with the higher id accepts what comes. So exactly one connection survives and
 * neither side has to guess.
 *
 * Invariants: at most one coordination link to a node id; a newer boot replaces an older one only
 * when the older one no longer answers; a live holder of an id is never displaced.
 */
import type { Boot, NodeId } from "@foundation/core";
import type { RefusalCode } from "../errors.js";
import { LINK } from "../limits.js";

/** What is known when a peer has been identified. */
export interface LinkQuestion {
  readonly self: { readonly id: NodeId; readonly boot: Boot };
  readonly peer: { readonly id: NodeId; readonly boot: Boot };
  /** Who dialled the connection that is judged. */
  readonly dialledBy: "us" | "peer";
  /** The boot of the coordination link to this id that is up. */
  readonly linkedBoot: Boot | undefined;
  /** The newest boot of this id that was ever linked. */
  readonly newestBoot: Boot | undefined;
  /** Our own dial of this id has sent its proof and waits for the answer. */
  readonly ownDialProved: boolean;
}

export type LinkVerdict =
  | { readonly type: "accept" }
  /**
   * Ask the link that is up for a sign of life. Without an answer it is closed and the question put
   * again; with one the newcomer is refused: ERR_DUPLICATE_LINK for the same boot,
   * ERR_NODE_ID_CLASH for another.
   */
  | { readonly type: "ask-holder" }
  | { readonly type: "refuse"; readonly code: RefusalCode };

/** Judges a coordination connection. */
export function judgeLink(question: LinkQuestion): LinkVerdict {
  const { self, peer, dialledBy, linkedBoot, newestBoot, ownDialProved } = question;
  if (peer.id === self.id) {
    return refuse(peer.boot === self.boot ? "ERR_SELF_DIAL" : "ERR_NODE_ID_CLASH");
  }
  if (newestBoot !== undefined && peer.boot < newestBoot) return refuse("ERR_STALE_BOOT");
  if (linkedBoot === peer.boot && dialledBy === "us") return refuse("ERR_DUPLICATE_LINK");
  // Same boot: either the dials crossed, or the peer has lost the old link and we have not noticed
  // yet.
  if (linkedBoot !== undefined) return { type: "ask-holder" };
  if (dialledBy === "peer" && ownDialProved && self.id < peer.id)
    return refuse("ERR_DUPLICATE_LINK");
  return { type: "accept" };
}

/** What is known when a peer opens a further channel. */
export interface ChannelQuestion {
  readonly peer: { readonly id: NodeId; readonly boot: Boot };
  /** The coordination link to this id, if one is up. */
  readonly coordination: { readonly boot: Boot; readonly dialledBy: "us" | "peer" } | undefined;
  /** This node has no link of that channel's name to the peer yet. */
  readonly isNew: boolean;
  /** Names of channels to the peer. */
  readonly channels: number;
}

/**
 * Judges a channel that a peer opens: only who dialled the coordination link opens channels, so
 * none cross; and each side bounds how many there are.
 */
export function judgeChannel(question: ChannelQuestion): LinkVerdict {
  const { peer, coordination } = question;
  if (coordination?.boot !== peer.boot || coordination.dialledBy !== "peer") {
    return refuse("ERR_NO_COORDINATION_LINK");
  }
  if (question.isNew && question.channels >= LINK.channelsMax)
    return refuse("ERR_TOO_MANY_CHANNELS");
  return { type: "accept" };
}

function refuse(code: RefusalCode): LinkVerdict {
  return { type: "refuse", code };
}
