/** LinkService: the LinkLayer of membership, over the peer table and the dialler. */
import type { NodeId } from "@foundation/core";
import type { LinkEvent, LinkLayer, LinkTarget } from "../membership/link-layer.js";
import { MessageType } from "../protocol/frame.js";
import type { MembershipMessage } from "../protocol/membership/messages.js";
import type { DialTargets } from "./dial-targets.js";
import type { IdleLinks } from "./idle-links.js";
import type { Link } from "./link.js";
import type { LinkEvents } from "./link-events.js";
import type { PeerTable } from "./peer-table.js";
import type { World } from "./world.js";

export class LinkService implements LinkLayer {
  readonly #world: World;
  readonly #table: PeerTable;
  readonly #targets: DialTargets;
  readonly #events: LinkEvents;
  readonly #idle: IdleLinks;
  /** News goes to every link as one and the same message: it is encoded once. */
  #lastMessage: MembershipMessage | undefined;
  #lastPayload: Uint8Array | undefined;

  constructor(
    world: World,
    table: PeerTable,
    targets: DialTargets,
    events: LinkEvents,
    idle: IdleLinks,
  ) {
    this.#world = world;
    this.#idle = idle;
    this.#table = table;
    this.#targets = targets;
    this.#events = events;
  }

  send(to: NodeId, message: MembershipMessage): boolean {
    const link = this.#table.peer(to)?.coordination;
    if (link?.isUp !== true || link.isOverLimit) return false;
    const payload = this.#encoded(message);
    if (payload === undefined) return false;
    this.#events.during(() => link.post(MessageType.membership, 0, 0, 0, 0, undefined, payload));
    return true;
  }

  connect(target: LinkTarget): void {
    this.#events.during(() => this.#targets.want(target));
  }

  disconnect(id: NodeId, { boot, graceful }: { boot: string; graceful: boolean }): void {
    this.#events.during(() => {
      this.#targets.unwanted(id);
      const peer = this.#table.peer(id);
      if (peer === undefined || peer.boot !== boot) return;
      const end = graceful
        ? ({ reason: "closed", detail: "the node is no member any more" } as const)
        : ({ reason: "lost", detail: "the node was declared down" } as const);
      void this.#table.remove(peer, end);
    });
  }

  keep(id: NodeId, { boot, isWanted }: { boot: string; isWanted: boolean }): void {
    const peer = this.#table.peer(id);
    if (peer?.boot === boot) this.#idle.keep(peer, isWanted);
  }

  forget(address: string): void {
    this.#targets.forget(address);
  }

  lastHeard(id: NodeId): number | undefined {
    const peer = this.#table.peer(id);
    return peer?.coordination === undefined ? undefined : peer.lastHeardMs;
  }

  on(listener: (event: LinkEvent) => void): () => void {
    return this.#events.on(listener);
  }

  /** A transport of small frames may not hold what describes many members with many labels. */
  #encoded(message: MembershipMessage): Uint8Array | undefined {
    if (message === this.#lastMessage) return this.#lastPayload;
    this.#lastMessage = message;
    this.#lastPayload = undefined;
    try {
      this.#lastPayload = this.#world.codec.encode(message);
      return this.#lastPayload;
    } catch (error) {
      const fields = { type: message.type, error: String(error) };
      this.#world.logger.error("a membership message could not be sent", fields);
      return undefined;
    }
  }

  /** A membership message came; its fields are checked by membership. */
  received(link: Link, message: unknown): void {
    const { id, boot } = link.peer;
    this.#events.emit({ type: "message", from: id, boot, message: message as MembershipMessage });
  }
}
