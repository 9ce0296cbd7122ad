/**
 * PeerTable: every peer this node has links to or wants to.
 *
 * It takes over the connections that admission let in, finds the link for a message, and tells
 * membership and the messenger when links come and go.
 *
 * Invariants: one Peer for a node id; all links of a Peer belong to its one boot; after `remove`
 * nothing of that boot is delivered any more; no message of a channel is delivered before
 * membership has told of its sender; `close` ends when every connection has ended.
 */
import type { Connection, ConnectionEnd, Member, NodeId } from "@foundation/core";
import { LINK } from "../limits.js";
import type { PeerIdentity } from "../protocol/handshake/handshake.js";
import { laneOf } from "../protocol/subject.js";
import type { ChannelOpener } from "./channel-opener.js";
import { COORDINATION } from "./dial-targets.js";
import { Link } from "./link.js";
import { linkWorldOf, type LinkOwner, type LinkWorld } from "./link-world.js";
import type { Channels } from "../channel-options.js";
import { Lanes } from "./lanes.js";
import type { LinkEvents } from "./link-events.js";
import { LoopbackConnection } from "./loopback-connection.js";
import { Peer } from "./peer.js";
import { RelayedConnection } from "./relay/relayed-connection.js";
import type { World } from "./world.js";

/** What the table asks of others; set by the composition before the first link is up. */
export interface PeerTableCollaborators {
  readonly opener: ChannelOpener;
  /** The end of a connection is the table's own affair. */
  readonly owner: Omit<LinkOwner, "broken">;
  memberOf(id: NodeId): Member | undefined;
  /** The coordination link of a peer is up. */
  linked(peer: Peer): void;
}

export class PeerTable {
  collaborators!: PeerTableCollaborators;

  readonly #world: World;
  readonly #events: LinkEvents;
  readonly #channels: Channels;
  readonly #lanes: Lanes;
  readonly #peers = new Map<NodeId, Peer>();
  /** Removed peers whose connections are still being closed. */
  readonly #ending = new Set<Promise<unknown>>();
  readonly #links: LinkWorld;
  #up = 0;
  #closing = false;

  constructor(world: World, events: LinkEvents, channels: Channels) {
    this.#world = world;
    this.#events = events;
    this.#channels = channels;
    const owner: LinkOwner = {
      receive: (link, frame) => this.collaborators.owner.receive(link, frame),
      dropping: (link) => this.collaborators.owner.dropping(link),
      lost: (link) => this.collaborators.owner.lost(link),
      resumed: (link) => this.collaborators.owner.resumed(link),
      broken: (link, end) => this.#onBroken(link, end),
    };
    this.#links = linkWorldOf(world, owner);
    this.#lanes = new Lanes(channels, this.#links);
    const { id, boot, name, address } = world.self;
    this.#peers.set(id, new Peer(id, boot, name, address, world.clock.now()));
  }

  get isClosing(): boolean {
    return this.#closing;
  }

  peer(id: NodeId): Peer | undefined {
    return this.#peers.get(id);
  }

  isLinked(id: NodeId): boolean {
    return this.#peers.get(id)?.coordination?.isUp === true;
  }

  /** There is a coordination link that leads over nobody else. */
  isLinkedDirectly(id: NodeId): boolean {
    return this.isLinked(id) && this.#peers.get(id)?.isRelayed === false;
  }

  isMember(id: NodeId): boolean {
    return this.collaborators.memberOf(id) !== undefined;
  }

  /**
   * The link for a message; undefined: no such member. @throws {ERR_INVALID_ARGUMENT} for a bad
   * channel name.
   */
  linkTo(to: NodeId, channel: string, key: string | undefined): Link | undefined {
    const peer = this.#peers.get(to) ?? this.#meet(to);
    if (peer === undefined) return undefined;
    const settings = this.#channels.used(channel);
    const lane = key === undefined ? 0 : laneOf(key, settings.lanes);
    const link = peer.channels.get(channel)?.[lane] ?? this.#lanes.make(peer, channel, lane);
    if (!link.isUp) this.#open(link);
    return link;
  }

  /** A peer asks for a channel that only we may dial. */
  openRequested(peer: Peer, channel: string, lane: number): void {
    if (this.#closing || peer.gone || peer.dialledBy !== "us") return;
    const known = peer.channels.get(channel)?.[lane];
    if (known === undefined && peer.channels.size >= LINK.channelsMax) return;
    const link = known ?? this.#lanes.make(peer, channel, lane);
    if (!link.isUp) return this.collaborators.opener.want(link);
    // It has no connection where we believe in one. Either ours is half-open, and then nobody else
    // would ever find out, or its request crossed with our dial: what lives answers a ping, or has so
    // much to send that its answer is late or left out.
    const { bytesIn } = link.counters;
    link.ping(this.#world.preset.pingTimeoutMs, (alive) => {
      if (alive || !link.isUp || link.counters.bytesIn !== bytesIn) return;
      link.disconnect({ reason: "lost", detail: "the peer does not know this connection" });
    });
  }

  /** Takes over a proved connection. */
  adopt(identity: PeerIdentity, dialledBy: "us" | "peer", connection: Connection): void {
    if (this.#closing) return connection.close();
    const held = this.#peers.get(identity.id);
    if (identity.channel !== COORDINATION) {
      if (held?.boot !== identity.boot) return connection.close();
      const { channel, lane } = identity;
      const link = held.channels.get(channel)?.[lane] ?? this.#lanes.make(held, channel, lane);
      // Membership has not told of it yet, or has told its end: its messages wait for its node-up.
      const isMember = this.collaborators.memberOf(held.id)?.boot === held.boot;
      if (!isMember) held.held.push(connection.pause());
      return this.#attach(link, connection);
    }
    if (held !== undefined && held.boot !== identity.boot) {
      const detail = "a newer start of the node took its place";
      void this.remove(held, { reason: "replaced", detail });
    }
    const peer = this.#peers.get(identity.id) ?? this.#makePeer(identity);
    peer.name = identity.name;
    peer.address = identity.address;
    peer.dialledBy = dialledBy;
    peer.isRelayed = connection instanceof RelayedConnection;
    peer.coordination ??= new Link(peer, this.#channels.of(COORDINATION), 0, this.#links);
    this.#attach(peer.coordination, connection);
    const { id, boot, name, address } = peer;
    this.#world.logger.debug("a link is up", { peer: id, name, address, dialledBy });
    this.collaborators.linked(peer);
    this.collaborators.opener.wake(peer);
    this.#goOn(peer);
    this.#events.emit({ type: "link-up", id, boot, address, name });
  }

  /** Membership has told of a node: what came from it before is delivered now. */
  becameMember({ id, boot }: Pick<Member, "id" | "boot">): void {
    const peer = this.#peers.get(id);
    if (peer?.boot !== boot) return;
    // After everybody who listens to membership was told.
    for (const resume of peer.held.splice(0)) this.#world.clock.endOfTurn(resume);
    this.#goOn(peer);
  }

  /** Ends everything with a peer; answers when the other side has what was written. */
  remove(peer: Peer, end: ConnectionEnd): Promise<unknown> {
    peer.gone = true;
    this.#lanes.removed(peer, end.reason === "lost" && !this.#closing);
    if (this.#peers.get(peer.id) === peer) this.#peers.delete(peer.id);
    const ended = Promise.all([this.closeChannels(peer, end), peer.coordination?.close(end)]);
    this.#ending.add(ended);
    void ended.then(() => this.#ending.delete(ended));
    return ended;
  }

  /** Closes the connections of a peer nobody needs now; its links open again when they are used. */
  rest(peer: Peer): void {
    const end = { reason: "closed", detail: "nothing used it" } as const;
    for (const link of peer.links()) link.disconnect(end);
    peer.coordination?.disconnect(end);
  }

  /** Ends the channel links of a peer; answers when the other side has what was written. */
  closeChannels(peer: Peer, end: ConnectionEnd): Promise<unknown> {
    const ends: Promise<unknown>[] = [];
    for (const link of peer.links()) {
      this.collaborators.opener.settled(link);
      ends.push(link.close(end));
    }
    peer.channels.clear();
    return Promise.all(ends);
  }

  /** A member without a link cannot be reached: what waits for it is told now. */
  failWaiting(id: NodeId): void {
    const peer = this.#peers.get(id);
    if (peer === undefined || peer.coordination?.isUp === true) return;
    for (const link of peer.links()) {
      if (link.isUp) continue;
      this.collaborators.opener.settled(link);
      link.dropUnsent();
    }
  }

  /** Every peer but this node. */
  others(): Peer[] {
    return [...this.#peers.values()].filter((peer) => peer.id !== this.#world.self.id);
  }

  /** A channel was configured: its links are those that peers have opened. */
  configured(channel: string): void {
    const settings = this.#channels.of(channel);
    for (const link of this.links()) if (link.channel === channel) link.configure(settings);
  }

  /** Every link there is, up or not. */
  links(): Link[] {
    const links: Link[] = [];
    for (const peer of this.#peers.values()) {
      if (peer.coordination !== undefined) links.push(peer.coordination);
      links.push(...peer.links());
    }
    return links;
  }

  /** No new links from now on. */
  beginClose(): void {
    this.#closing = true;
  }

  /** Removes everybody; answers when every connection has ended, of peers removed before too. */
  async close(end: ConnectionEnd): Promise<void> {
    this.#closing = true;
    for (const peer of [...this.#peers.values()]) void this.remove(peer, end);
    this.#lanes.clear();
    this.#links.slabs.close();
    await Promise.all(this.#ending);
  }

  #meet(id: NodeId): Peer | undefined {
    const member = this.#closing ? undefined : this.collaborators.memberOf(id);
    return member === undefined ? undefined : this.#makePeer(member);
  }

  /**
   * A member's coordination link is up: lanes that were kept for it are there again, and those that have something to
   * send open, whether or not anything is sent on them from now on.
   */
  #goOn(peer: Peer): void {
    if (peer.coordination?.isUp !== true) return;
    if (this.collaborators.memberOf(peer.id)?.boot !== peer.boot) return;
    this.#lanes.restore(peer);
    for (const link of peer.links()) {
      if (!link.isUp && link.hasUnsent) this.collaborators.opener.want(link);
    }
  }

  #makePeer({ id, boot, name, address }: Pick<Member, "id" | "boot" | "name" | "address">): Peer {
    const peer = new Peer(id, boot, name, address, this.#world.clock.now());
    this.#peers.set(id, peer);
    return peer;
  }

  #open(link: Link): void {
    if (link.isClosed) return;
    if (link.peer.id === this.#world.self.id)
      this.#attach(link, new LoopbackConnection(this.#world.clock));
    else this.collaborators.opener.want(link);
  }

  #attach(link: Link, connection: Connection): void {
    if (link.isUp) {
      // Its end is no reason to dial: the connection that takes its place is here.
      link.opening = true;
      link.disconnect({ reason: "replaced", detail: "it was opened anew" });
    }
    this.collaborators.opener.settled(link);
    this.#up += 1;
    this.#world.metrics.links.set(this.#up);
    link.attach(connection);
  }

  #onBroken(link: Link, end: ConnectionEnd): void {
    const { peer } = link;
    this.#up -= 1;
    this.#world.metrics.links.set(this.#up);
    if (peer.coordination !== link) {
      // What was closed on purpose is opened again when it is used; what broke, at once.
      const reopen = !peer.gone && !this.#closing && !link.isClosed;
      if (reopen && (end.reason !== "closed" || link.hasUnsent))
        this.collaborators.opener.want(link);
      return;
    }
    link.dropUnsent();
    const { id, boot, name } = peer;
    this.#world.logger.debug("a link is down", {
      peer: id,
      name,
      reason: end.reason,
      detail: end.detail,
    });
    this.#events.emit({ type: "link-down", id, boot, reason: end.reason });
    this.#world.clock.endOfTurn(() => {
      if (link.isUp || peer.gone || this.collaborators.memberOf(id) !== undefined) return;
      void this.remove(peer, end);
    });
  }
}
