/**
 * OverlayBroadcast: the Broadcast port. Over the links of a full mesh one copy goes to each other
 * member; where members have few links it travels from neighbour to neighbour. It is encoded once.
 * Its handlers are a namespace of their own (a flag on the wire), so a subject may serve both ports.
 */
import { currentTrace, type Broadcast, type Member, type MessageHandler } from "@foundation/core";
import { Flag } from "../protocol/frame.js";
import type { BroadcastGroups } from "./broadcast/broadcast-groups.js";
import { publish, type Published } from "./delivery/publish.js";
import { SubjectHashes } from "./handlers.js";
import type { Inbound } from "./inbound.js";
import type { LinkFinder } from "./messenger.js";
import type { World } from "./world.js";

/** Who is to get a broadcast, and how. */
export interface Audience {
  members(): readonly Member[];
  /** Members may have no link to each other. */
  isPartial(): boolean;
}

export class OverlayBroadcast implements Broadcast {
  readonly #world: World;
  readonly #inbound: Inbound;
  readonly #links: LinkFinder;
  readonly #audience: Audience;
  readonly #groups: BroadcastGroups;
  readonly #hashes = new SubjectHashes();

  constructor(
    world: World,
    inbound: Inbound,
    links: LinkFinder,
    audience: Audience,
    groups: BroadcastGroups,
  ) {
    this.#world = world;
    this.#inbound = inbound;
    this.#links = links;
    this.#audience = audience;
    this.#groups = groups;
  }

  publish(subject: string, payload: unknown, options: { readonly channel: string }): void {
    const bytes = this.#world.codec.encode(payload);
    const hash = this.#hashes.of(subject);
    const trace = currentTrace();
    if (this.#audience.isPartial()) {
      this.#groups.publish(options.channel, { hash, trace, payload: bytes });
      return;
    }
    let sent: Published | undefined;
    for (const member of this.#audience.members()) {
      if (member.id === this.#world.self.id) continue;
      const link = this.#links.linkTo(member.id, options.channel, undefined);
      if (link === undefined) continue;
      if (sent === undefined) {
        // Once for all: every link of a channel has the same settings.
        const small = link.compressed(bytes);
        const flags = small === undefined ? Flag.broadcast : Flag.broadcast | Flag.compressed;
        sent = { flags, hash, trace, payload: small ?? bytes };
      }
      if (!publish(link, subject, sent, this.#world.metrics))
        this.#world.metrics.dropped("queue-full");
    }
  }

  handle(subject: string, handler: MessageHandler): () => void {
    return this.#inbound.broadcastHandlers.add(subject, handler);
  }
}
