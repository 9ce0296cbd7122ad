/**
 * OverlayBroadcast: the Broadcast port. Over the links of a full mesh one copy goes to each other
 * member; where members have few links it travels from neighbour to neighbour. It is encoded once.
 * Its handlers are a namespace of their own, so a subject may serve both ports.
 *
 * Make before break: for a moment after a full mesh its links are still there, and are used until the
 * tree has grown; a new full mesh uses the tree until everybody is linked.
 */
import { currentTrace, type Broadcast, type Member, type MessageHandler } from "@foundation/core";
import { BROADCAST } from "../limits.js";
import type { TopologyName } from "../protocol/switching/topologies.js";
import type { BroadcastGroups } from "./broadcast/broadcast-groups.js";
import { publish } from "./delivery/publish.js";
import { SubjectHashes, type Handlers } from "./handlers.js";
import type { Link } from "./link.js";
import type { LinkFinder } from "./messenger.js";
import type { World } from "./world.js";

/** Who is to get a broadcast, and how. */
export interface Audience extends LinkFinder {
  members(): readonly Member[];
  /** Members may have no link to each other. */
  isPartial(): boolean;
  isLinked(id: Member["id"]): boolean;
}

export class OverlayBroadcast implements Broadcast {
  readonly #world: World;
  readonly #handlers: Handlers;
  readonly #audience: Audience;
  readonly #groups: BroadcastGroups;
  readonly #hashes = new SubjectHashes();
  #meshEndedAt = Number.NEGATIVE_INFINITY;
  #meshBegunAt = Number.NEGATIVE_INFINITY;

  constructor(world: World, handlers: Handlers, audience: Audience, groups: BroadcastGroups) {
    this.#world = world;
    this.#handlers = handlers;
    this.#audience = audience;
    this.#groups = groups;
  }

  /** The members are linked in another way from now on. */
  topologyChanged(from: TopologyName, to: TopologyName): void {
    if (from === "full-mesh") this.#meshEndedAt = this.#world.clock.now();
    if (to === "full-mesh") this.#meshBegunAt = this.#world.clock.now();
    if (from === "full-mesh" || to === "full-mesh") this.#groups.meshChanged(to === "full-mesh");
  }

  publish(subject: string, payload: unknown, { channel }: { readonly channel: string }): void {
    const { codec, self, metrics } = this.#world;
    const bytes = codec.encode(payload);
    const hash = this.#hashes.of(subject);
    const isLatest = this.#groups.isLatest(channel);
    const envelope = { hash, trace: currentTrace(), payload: bytes, isLatest };
    const members = this.#audience.members();
    if (members.length < 2) return;
    if (!this.#goesToEach(members)) return this.#groups.publish(channel, envelope);
    const copies = this.#groups.copies(channel, envelope);
    if (copies === undefined) return metrics.dropped("too-many-channels");
    for (const { id } of members) {
      if (id === self.id) continue;
      const link = this.#audience.linkTo(id, channel, undefined);
      const isPosted = link !== undefined && this.#post(link, subject, copies.for(id));
      copies.posted(id, isPosted);
    }
  }

  handle(subject: string, handler: MessageHandler): () => void {
    return this.#handlers.add(subject, handler);
  }

  #post(link: Link, subject: string, copy: Uint8Array): boolean {
    const isPosted = publish(link, subject, copy, this.#world.metrics);
    if (!isPosted) this.#world.metrics.dropped("queue-full");
    return isPosted;
  }

  #goesToEach(members: readonly Member[]): boolean {
    const now = this.#world.clock.now();
    if (this.#audience.isPartial()) {
      return now - this.#meshEndedAt < BROADCAST.afterMeshMs && this.#areLinked(members);
    }
    return now - this.#meshBegunAt >= BROADCAST.beforeMeshMs || this.#areLinked(members);
  }

  #areLinked(members: readonly Member[]): boolean {
    const { self } = this.#world;
    return members.every(({ id }) => id === self.id || this.#audience.isLinked(id));
  }
}
