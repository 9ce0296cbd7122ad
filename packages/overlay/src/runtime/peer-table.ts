/**
 * PeerTable: every peer this node has links to or wants to, and the decisions about them.
 *
 * It runs the pure rules of protocol/links.ts, takes over proved connections, finds the link for a
 * message, and tells membership and the messenger when links come and go.
 *
 * Invariants: one Peer for a node id; all links of a Peer belong to its one boot; after `remove`
 * nothing of that boot is delivered any more.
 */
import {
  coreErrors,
  type Boot,
  type Connection,
  type ConnectionEnd,
  type Member,
  type NodeId,
} from "@foundation/core";
import type { RefusalCode } from "../errors.js";
import { HANDSHAKE, LINK } from "../limits.js";
import type { PeerIdentity } from "../protocol/handshake/handshake.js";
import { isChannelName } from "../protocol/handshake/messages.js";
import { judgeChannel, judgeLink } from "../protocol/links.js";
import { laneOf } from "../protocol/subject.js";
import type { ChannelOpener } from "./channel-opener.js";
import { COORDINATION } from "./dial-targets.js";
import { Link, type LinkOwner } from "./link.js";
import type { LinkEvents } from "./link-events.js";
import { LoopbackConnection } from "./loopback-connection.js";
import { Peer } from "./peer.js";
import type { World } from "./world.js";

/** What the table asks of others; set by the composition before the first link is up. */
export interface PeerTableCollaborators {
  readonly opener: ChannelOpener;
  readonly owner: LinkOwner;
  memberOf(id: NodeId): Member | undefined;
  linked(id: NodeId, address: string): void;
}

type Answer = (refuse: RefusalCode | undefined) => void;

export class PeerTable {
  collaborators!: PeerTableCollaborators;

  readonly #world: World;
  readonly #events: LinkEvents;
  readonly #lanes: ReadonlyMap<string, number>;
  readonly #peers = new Map<NodeId, Peer>();
  readonly #newestBoots = new Map<NodeId, Boot>();
  readonly #provedDials = new Map<NodeId, number>();
  readonly #links: { clock: World["clock"]; metrics: World["metrics"]; owner: LinkOwner };
  #up = 0;
  #closing = false;

  /** @param lanes parallelism by channel; channels that are not named have one lane */
  constructor(world: World, events: LinkEvents, lanes: ReadonlyMap<string, number>) {
    this.#world = world;
    this.#events = events;
    this.#lanes = lanes;
    const owner: LinkOwner = {
      receive: (link, frame) => this.collaborators.owner.receive(link, frame),
      dropping: (link) => this.collaborators.owner.dropping(link),
      broken: (link, end) => this.#onBroken(link, end),
    };
    this.#links = { clock: world.clock, metrics: world.metrics, owner };
    const { id, boot, name, address } = world.self;
    this.#peers.set(id, new Peer(id, boot, name, address, world.clock.now()));
  }

  peer(id: NodeId): Peer | undefined {
    return this.#peers.get(id);
  }

  isLinked(id: NodeId): boolean {
    return this.#peers.get(id)?.coordination?.isUp === true;
  }

  /**
   * The link for a message; undefined: no such member. @throws {ERR_INVALID_ARGUMENT} for a bad
   * channel name.
   */
  linkTo(to: NodeId, channel: string, key: string | undefined): Link | undefined {
    const peer = this.#peers.get(to) ?? this.#meet(to);
    if (peer === undefined) return undefined;
    const lane = key === undefined ? 0 : laneOf(key, this.#lanes.get(channel) ?? 1);
    const link = peer.channels.get(channel)?.[lane] ?? this.#makeLink(peer, channel, lane);
    if (!link.isUp) this.#open(link);
    return link;
  }

  /** A peer asks for a channel that only we may dial. */
  openRequested(peer: Peer, channel: string, lane: number): void {
    if (this.#closing || peer.gone || peer.dialledBy !== "us") return;
    const known = peer.channels.get(channel)?.[lane];
    if (known === undefined && peer.channels.size >= LINK.channelsMax) return;
    const link = known ?? this.#makeLink(peer, channel, lane);
    if (!link.isUp) this.collaborators.opener.want(link);
  }

  /** Judges a connection whose other side is known. */
  judge(peer: PeerIdentity, dialledBy: "us" | "peer", answer: Answer): void {
    if (this.#closing) return answer("ERR_SHUTTING_DOWN");
    const held = this.#peers.get(peer.id);
    const coordination = held?.coordination;
    if (peer.channel !== COORDINATION && peer.id !== this.#world.self.id) {
      // What we dial ourselves was judged when it was wanted, unless another process answers now.
      if (dialledBy === "us")
        return answer(held?.boot === peer.boot ? undefined : "ERR_NO_COORDINATION_LINK");
      const up = held !== undefined && coordination?.isUp === true;
      const verdict = judgeChannel({
        peer,
        coordination: up ? { boot: held.boot, dialledBy: held.dialledBy } : undefined,
      });
      return answer(verdict.type === "refuse" ? verdict.code : undefined);
    }
    const verdict = judgeLink({
      self: this.#world.self,
      peer,
      dialledBy,
      linkedBoot: coordination?.isUp === true ? held?.boot : undefined,
      newestBoot: this.#newestBoots.get(peer.id),
      ownDialProved: this.#provedDials.has(peer.id),
    });
    switch (verdict.type) {
      case "accept":
        return answer(undefined);
      case "refuse":
        return answer(verdict.code);
      case "ask-holder":
        return this.#askHolder(coordination as Link, peer, dialledBy, answer);
      default:
        verdict satisfies never;
    }
  }

  /** Our own dial of this peer sends its proof now; returns the function that says it is over. */
  ownDialProves(peer: PeerIdentity): () => void {
    const { id } = peer;
    if (peer.channel !== COORDINATION) return () => {};
    this.#provedDials.set(id, (this.#provedDials.get(id) ?? 0) + 1);
    return () => {
      const left = (this.#provedDials.get(id) ?? 1) - 1;
      if (left === 0) this.#provedDials.delete(id);
      else this.#provedDials.set(id, left);
    };
  }

  /** Takes over a proved connection. */
  adopt(identity: PeerIdentity, dialledBy: "us" | "peer", connection: Connection): void {
    if (this.#closing) return connection.close();
    const held = this.#peers.get(identity.id);
    if (identity.channel !== COORDINATION) {
      if (held?.boot !== identity.boot) return connection.close();
      const { channel, lane } = identity;
      const link = held.channels.get(channel)?.[lane] ?? this.#makeLink(held, channel, lane);
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
    this.#remember(identity.id, identity.boot);
    peer.coordination ??= new Link(peer, COORDINATION, 0, this.#links);
    this.#attach(peer.coordination, connection);
    const { id, boot, name, address } = peer;
    this.#world.logger.debug("a link is up", { peer: id, name, address, dialledBy });
    this.collaborators.linked(id, address);
    this.collaborators.opener.wake(peer);
    this.#events.emit({ type: "link-up", id, boot, address, name });
  }

  /** Ends everything with a peer; answers when the other side has what was written. */
  remove(peer: Peer, end: ConnectionEnd): Promise<unknown> {
    peer.gone = true;
    if (this.#peers.get(peer.id) === peer) this.#peers.delete(peer.id);
    const ends = this.closeChannels(peer, end);
    const { coordination } = peer;
    return Promise.all([ends, coordination?.close(end)]);
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

  /** No new links from now on. */
  beginClose(): void {
    this.#closing = true;
  }

  async close(end: ConnectionEnd): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#peers.values()].map((peer) => this.remove(peer, end)));
  }

  #askHolder(holder: Link, peer: PeerIdentity, dialledBy: "us" | "peer", answer: Answer): void {
    holder.ping(HANDSHAKE.holderPingMs, (alive) => {
      if (!alive) {
        // Judged again without the holder: something may have changed while we waited.
        if (holder.isUp)
          holder.disconnect({ reason: "replaced", detail: "it answered no ping any more" });
        return this.judge(peer, dialledBy, answer);
      }
      if (holder.peer.boot === peer.boot) return answer("ERR_DUPLICATE_LINK");
      this.#world.logger.error(
        "two live processes use the same node id: the newcomer was refused. Give each its own data directory",
        { nodeId: peer.id, holder: holder.peer.address, newcomer: peer.address },
      );
      answer("ERR_NODE_ID_CLASH");
    });
  }

  #meet(id: NodeId): Peer | undefined {
    const member = this.#closing ? undefined : this.collaborators.memberOf(id);
    return member === undefined ? undefined : this.#makePeer(member);
  }

  #makePeer({ id, boot, name, address }: Pick<Member, "id" | "boot" | "name" | "address">): Peer {
    const peer = new Peer(id, boot, name, address, this.#world.clock.now());
    this.#peers.set(id, peer);
    return peer;
  }

  #makeLink(peer: Peer, channel: string, lane: number): Link {
    let lanes = peer.channels.get(channel);
    if (lanes === undefined) {
      checkChannel(channel, peer.channels.size);
      lanes = [];
      peer.channels.set(channel, lanes);
    }
    const link = new Link(peer, channel, lane, this.#links);
    lanes[lane] = link;
    return link;
  }

  #open(link: Link): void {
    if (link.isClosed) return;
    if (link.peer.id === this.#world.self.id)
      this.#attach(link, new LoopbackConnection(this.#world.clock));
    else this.collaborators.opener.want(link);
  }

  #attach(link: Link, connection: Connection): void {
    if (link.isUp) link.disconnect({ reason: "replaced", detail: "the peer opened it anew" });
    this.collaborators.opener.settled(link);
    this.#up += 1;
    this.#world.metrics.links.set(this.#up);
    link.attach(connection);
  }

  #onBroken(link: Link, end: ConnectionEnd): void {
    const { peer } = link;
    this.#up -= 1;
    this.#world.metrics.links.set(this.#up);
    this.collaborators.owner.broken(link, end);
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

  /** Oldest entries go first: a Map keeps the order of insertion. */
  #remember(id: NodeId, boot: Boot): void {
    this.#newestBoots.delete(id);
    this.#newestBoots.set(id, boot);
    if (this.#newestBoots.size <= LINK.bootsMax) return;
    for (const oldest of this.#newestBoots.keys()) {
      this.#newestBoots.delete(oldest);
      return;
    }
  }
}

function checkChannel(channel: string, known: number): void {
  const fail = (expected: string) => {
    const found = String(channel).slice(0, 80);
    throw coreErrors.ERR_INVALID_ARGUMENT(`channel must be ${expected}, found "${found}"`, {
      argument: "channel",
      expected,
      found,
    });
  };
  if (!isChannelName(channel))
    fail("1 to 64 characters of a-z 0-9 . _ - beginning with a letter or digit");
  if (channel === COORDINATION)
    fail(`another one than "${COORDINATION}", which is membership's own`);
  if (known >= LINK.channelsMax) fail(`one of at most ${LINK.channelsMax} names`);
}
