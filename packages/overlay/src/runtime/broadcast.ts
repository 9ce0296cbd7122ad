/**
 * OverlayBroadcast: the Broadcast port over the links of a full mesh: encoded once, one copy for
 * each other member. Its handlers are a namespace of their own (a flag on the wire), so a subject
 * may serve both ports.
 */
import {
  currentTrace,
  type Broadcast,
  type Membership,
  type MessageHandler,
} from "@foundation/core";
import { Flag, MessageType } from "../protocol/frame.js";
import { SubjectHashes } from "./handlers.js";
import type { Inbound } from "./inbound.js";
import type { LinkFinder } from "./messenger.js";
import type { World } from "./world.js";

export class OverlayBroadcast implements Broadcast {
  readonly #world: World;
  readonly #inbound: Inbound;
  readonly #links: LinkFinder;
  readonly #membership: Pick<Membership, "members">;
  readonly #hashes = new SubjectHashes();

  constructor(
    world: World,
    inbound: Inbound,
    links: LinkFinder,
    membership: Pick<Membership, "members">,
  ) {
    this.#world = world;
    this.#inbound = inbound;
    this.#links = links;
    this.#membership = membership;
  }

  publish(subject: string, payload: unknown, options: { readonly channel: string }): void {
    const bytes = this.#world.codec.encode(payload);
    const hash = this.#hashes.of(subject);
    const trace = currentTrace();
    for (const member of this.#membership.members()) {
      if (member.id === this.#world.self.id) continue;
      const link = this.#links.linkTo(member.id, options.channel, undefined);
      if (link === undefined) continue;
      if (link.isOverLimit) this.#world.metrics.dropped("queue-full");
      else link.post(MessageType.message, Flag.broadcast, hash, 0, 0, trace, bytes);
    }
  }

  handle(subject: string, handler: MessageHandler): () => void {
    return this.#inbound.broadcastHandlers.add(subject, handler);
  }
}
