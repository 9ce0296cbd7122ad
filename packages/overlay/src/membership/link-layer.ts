/**
 * LinkLayer: what membership needs from the links below it, and nothing more.
 *
 * It exists so that the failure detector and the sockets can be written, tested and replaced apart:
 * membership decides who is wanted and who is dead; the link layer owns dialling, authentication
 * and encoding.
 *
 * Invariants: listeners are called synchronously, in order, and never inside a call of `send`,
 * `connect` or `disconnect`. For one (id, boot) the events read `link-up`, any number of `message`,
 * `link-down`, and again from the start. A newer boot's `link-up` comes after the `link-down` of
 * the older one. A dial that is answered is told after the `link-up` it led to. There is at most one coordination link to a node id at a time: crossing dials are
 * settled below this interface and cause no `link-down`.
 */
import type { Boot, ConnectionEnd, NodeId } from "@foundation/core";
import type { MembershipMessage } from "../protocol/membership/messages.js";

/** What membership needs from the links. All callbacks are synchronous and in order. */
export interface LinkLayer {
  /** Sends a message on the coordination link to the node; false when there is no such link. */
  send(to: NodeId, message: MembershipMessage): boolean;
  /**
   * Wants a coordination link; idempotent. Dials at once, then again with backoff until the link is
   * up, `disconnect` or `forget` is called, or the same node is linked by its own dial. Each failed
   * attempt is told. After a `link-down` the layer dials no more by itself: membership calls
   * `connect` again when it still wants the node.
   */
  connect(target: LinkTarget): void;
  /**
   * Closes every link to this boot of the node and stops dialling it; `graceful` first writes what
   * is queued.
   */
  disconnect(id: NodeId, options: { readonly boot: Boot; readonly graceful: boolean }): void;
  /**
   * Says whether a side wants the links to this boot though nothing uses them; at first one does.
   * Unwanted ones are closed once nothing has used them for a while, with the reason "closed"; a
   * message to the node opens them again.
   */
  keep(id: NodeId, options: { readonly boot: Boot; readonly isWanted: boolean }): void;
  /** Stops dialling an address; does nothing to a link that is up. */
  forget(address: string): void;
  /**
   * Clock.now of the last frame received on any link of the node; undefined when no link to it was
   * ever up.
   */
  lastHeard(id: NodeId): number | undefined;
  /** Calls `listener` for each later event; returns the function that ends it. */
  on(listener: (event: LinkEvent) => void): () => void;
}

/** Whom to dial. Without an id, whoever answers at the address is welcome (discovery, healing). */
export interface LinkTarget {
  readonly id?: NodeId;
  readonly address: string;
}

export type LinkEvent =
  /** Authenticated. `address` and `name` as the peer announced them in its hello. */
  | {
      readonly type: "link-up";
      readonly id: NodeId;
      readonly boot: Boot;
      readonly address: string;
      readonly name: string;
    }
  /** The coordination link is gone; told after its last message. */
  | {
      readonly type: "link-down";
      readonly id: NodeId;
      readonly boot: Boot;
      readonly reason: ConnectionEnd["reason"];
    }
  | {
      readonly type: "message";
      readonly from: NodeId;
      readonly boot: Boot;
      readonly message: MembershipMessage;
    }
  /** A dial of the address found this node, which may announce another address of its own. */
  | { readonly type: "dial-answered"; readonly id: NodeId; readonly address: string }
  /** Nobody listens at the address: strong evidence that the process is gone. */
  | { readonly type: "dial-refused"; readonly id?: NodeId; readonly address: string }
  /**
   * Anything else, with the error's code: no route, a timeout, a typed refusal of the handshake.
   */
  | {
      readonly type: "dial-failed";
      readonly id?: NodeId;
      readonly address: string;
      readonly code: string;
    };
