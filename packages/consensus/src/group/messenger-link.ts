/**
 * messengerLink: a GroupLink over the overlay's Messenger and Membership.
 *
 * Every group has a subject of its own, so groups in one process share nothing but the channels: what
 * keeps a leadership alive goes by `raft`, which leaves before everything else; snapshots by `data`.
 * A member that is declared down is told at once, so nobody waits for an election timeout. A
 * message that finds no room is dropped like a lost one: what a queue holds already is newer work.
 */
import type { Membership, Messenger, NodeId } from "@foundation/core";
import type { Route } from "@foundation/core/ports";
import type { GroupLink, LinkHandlers, LinkLane } from "./link.js";

export interface MessengerLinkOptions {
  readonly messenger: Messenger;
  readonly membership: Membership;
  /** The group's random id. */
  readonly group: string;
}

/**
 * The link of one group over an overlay node.
 *
 * @example
 * ```ts
 * import { memoryCluster, virtualClock } from "@foundation/core/testing"
 * import { messengerLink } from "@foundation/consensus"
 *
 * const { messenger, membership } = memoryCluster({ clock: virtualClock() }).node(0)
 * const link = messengerLink({ messenger, membership, group: "orders-1f0c" })
 * ```
 */
export function messengerLink(options: MessengerLinkOptions): GroupLink {
  return new OverlayLink(options);
}

interface Routes {
  readonly control: Route;
  readonly bulk: Route;
}

class OverlayLink implements GroupLink {
  readonly #messenger: Messenger;
  readonly #membership: Membership;
  readonly #subject: string;
  readonly #routes = new Map<NodeId, Routes>();

  constructor({ messenger, membership, group }: MessengerLinkOptions) {
    this.#messenger = messenger;
    this.#membership = membership;
    this.#subject = `consensus.${group}`;
  }

  get self(): NodeId {
    return this.#messenger.self;
  }

  send(to: NodeId, bytes: Uint8Array, lane: LinkLane): boolean {
    try {
      return this.#messenger.trySend(this.#routesTo(to)[lane], bytes) === "accepted";
    } catch {
      // A messenger that takes none so large, or is closed: to the group the message is lost.
      return false;
    }
  }

  open({ onMessage, onUnreachable }: LinkHandlers): () => void {
    const endMessages = this.#messenger.handle(this.#subject, ({ from, payload }) => {
      if (payload instanceof Uint8Array) onMessage(from, payload);
    });
    const endEvents = this.#membership.subscribe(({ type, node }) => {
      if (type !== "node-down" && type !== "node-left") return;
      this.#routes.delete(node.id);
      onUnreachable(node.id);
    });
    return () => {
      endMessages();
      endEvents();
    };
  }

  #routesTo(to: NodeId): Routes {
    let routes = this.#routes.get(to);
    if (!routes) {
      const subject = this.#subject;
      routes = {
        control: { to, channel: "raft", subject },
        bulk: { to, channel: "data", subject },
      };
      this.#routes.set(to, routes);
    }
    return routes;
  }
}
