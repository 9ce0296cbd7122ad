/** LinkService: the LinkLayer of membership, over the peer table and the dialler. */
import type { Codec, NodeId } from "@foundation/core";
import type { LinkEvent, LinkLayer, LinkTarget } from "../membership/link-layer.js";
import { MessageType } from "../protocol/frame.js";
import type { MembershipMessage } from "../protocol/membership/messages.js";
import type { DialTargets } from "./dial-targets.js";
import type { Link } from "./link.js";
import type { LinkEvents } from "./link-events.js";
import type { PeerTable } from "./peer-table.js";

export class LinkService implements LinkLayer {
  readonly #codec: Codec;
  readonly #table: PeerTable;
  readonly #targets: DialTargets;
  readonly #events: LinkEvents;

  constructor(codec: Codec, table: PeerTable, targets: DialTargets, events: LinkEvents) {
    this.#codec = codec;
    this.#table = table;
    this.#targets = targets;
    this.#events = events;
  }

  send(to: NodeId, message: MembershipMessage): boolean {
    const link = this.#table.peer(to)?.coordination;
    if (link?.isUp !== true || link.isOverLimit) return false;
    const payload = this.#codec.encode(message);
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

  /** A membership message came; its fields are checked by membership. */
  received(link: Link, message: unknown): void {
    const { id, boot } = link.peer;
    this.#events.emit({ type: "message", from: id, boot, message: message as MembershipMessage });
  }
}
