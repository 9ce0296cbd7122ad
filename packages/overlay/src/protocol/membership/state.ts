/**
 * MembershipState: what the parts of the protocol share. It holds, it does not decide.
 *
 * Invariant: the directory always has this node's own entry, and it is alive, draining or (at the
 * end) left.
 */
import type { NodeId, Random } from "@foundation/core";
import { assert } from "../assert.js";
import { Directory } from "./directory.js";
import { Outbox } from "./effects.js";
import { isEnded, type DirectoryEntry } from "./entry.js";
import { Growth } from "./growth.js";
import { membershipLimits as limits, type MembershipTimes } from "./limits.js";
import { LocalHealth } from "./local-health.js";
import type { Claim, MembershipMessage, WireEntry } from "./messages.js";
import { PeerLists } from "./peer-lists.js";
import { Peer } from "./peer.js";

type Updates = MembershipMessage & { type: "updates" };

/** Clock.now of the last frame from a node on any of its links. */
export type LastHeard = (id: NodeId) => number | undefined;

export class MembershipState {
  readonly directory = new Directory();
  readonly out = new Outbox();
  readonly health = new LocalHealth();
  readonly peers = new Map<NodeId, Peer>();
  readonly random: Random;
  readonly times: MembershipTimes;
  /** Set when a link or an entry changed, so that the wanted links are computed again. */
  meshChanged = true;
  /** Members may have no link to each other for good: set by the topology. */
  isPartial = false;
  /** Set when what `members()` shows changed. */
  viewVersion = 0;
  /** How many others `members()` shows. */
  visibleCount = 0;
  readonly lists = new PeerLists();
  readonly growth: Growth;
  /** Called when a peer joins those that live, or leaves them, or begins to drain. */
  onLiveness: (peer: Peer, isLive: boolean) => void = () => {};
  /** Called when a member joins. */
  onGrowth: (now: number) => void = () => {};
  #self: DirectoryEntry;
  readonly #lastHeard: LastHeard;

  constructor(self: DirectoryEntry, random: Random, lastHeard: LastHeard, times: MembershipTimes) {
    assert(!isEnded(self.status), "a node starts as a member");
    this.#self = self;
    this.#lastHeard = lastHeard;
    this.random = random;
    this.times = times;
    this.growth = new Growth(times, this.health);
    this.directory.merge(self, 0);
  }

  get self(): DirectoryEntry {
    return this.#self;
  }

  /** Announces something new about this node: always with a higher incarnation. */
  setSelf(change: Partial<Pick<DirectoryEntry, "status">>, above: number, now: number): void {
    const incarnation = Math.max(this.#self.incarnation, above) + 1;
    this.#self = { ...this.#self, ...change, incarnation };
    const outcome = this.directory.merge(this.#self, now);
    assert(outcome === "applied", "the own entry only grows");
    this.viewVersion += 1;
  }

  peer(id: NodeId, now: number): Peer {
    assert(id !== this.#self.id, "a node is not its own peer");
    let peer = this.peers.get(id);
    if (!peer) {
      peer = new Peer(id, now);
      this.peers.set(id, peer);
    }
    return peer;
  }

  /** Drops what is known about a node that is no member, has no link and is not dialled. */
  release(peer: Peer): void {
    const entry = this.directory.get(peer.id);
    if (entry && !isEnded(entry.status)) return;
    if (peer.link ?? peer.visible ?? peer.wanted) return;
    this.peers.delete(peer.id);
    this.lists.letGo(peer);
  }

  /** The directory took in something about the peer. */
  directoryChanged(peer: Peer, now: number): void {
    this.meshChanged = true;
    const isLive = this.isLive(peer.id);
    const isNew = this.lists.setLive(peer, isLive);
    if (isNew && isLive) {
      this.growth.grew(now);
      this.onGrowth(now);
    }
    const isDraining = this.directory.get(peer.id)?.status === "draining";
    if (isNew || isDraining) this.onLiveness(peer, isLive);
  }

  isLive(id: NodeId): boolean {
    const entry = this.directory.get(id);
    return entry !== undefined && !isEnded(entry.status);
  }

  /** Broadcasts pass between the peer and this node, or do not any more. */
  setNeighbour(peer: Peer, isUp: boolean): void {
    if (peer.isNeighbour === isUp) return;
    peer.isNeighbour = isUp;
    this.out.neighbour(peer.id, isUp);
  }

  /** This side's wish to keep the peer's link, told when it changes. */
  want(peer: Peer, isWanted: boolean): void {
    if (!peer.link || peer.wantedHere === isWanted) return;
    peer.wantedHere = isWanted;
    this.out.send(peer.id, { type: "want", wanted: isWanted });
    this.tellWanted(peer);
  }

  /** The link layer closes links that nobody wants when nothing uses them. */
  tellWanted(peer: Peer): void {
    if (peer.link) this.out.keep(peer.id, peer.link, peer.wantedHere || peer.wantedThere);
  }

  heardAt(peer: Peer): number {
    return Math.max(peer.heardAt, this.#lastHeard(peer.id) ?? Number.NEGATIVE_INFINITY);
  }

  /** Sends to every node with a link but the excepted ones. */
  broadcast(messages: readonly MembershipMessage[], ...except: readonly NodeId[]): void {
    const { linked } = this.lists;
    this.#sendAll(
      messages,
      linked.filter(({ id }) => !except.includes(id)),
    );
  }

  /** Tells on what another node stated: to every node with a link, or to as many as are enough. */
  relay(messages: readonly MembershipMessage[], ...except: readonly NodeId[]): void {
    this.relayTo(limits.relayedTo, messages, ...except);
  }

  /** The same to so many at most. */
  relayTo(
    count: number,
    messages: readonly MembershipMessage[],
    ...except: readonly NodeId[]
  ): void {
    if (messages.length > 0) this.#sendAll(messages, this.drawLinked(count, ...except));
  }

  /** A random selection of those with a link, the excepted ones left out. */
  drawLinked(count: number, ...except: readonly NodeId[]): readonly Peer[] {
    const { linked } = this.lists;
    const drawn: Peer[] = [];
    for (let at = 0; at < linked.length && drawn.length < count; at += 1) {
      // In place, and what it leaves is as random as what it met: nothing is copied.
      this.lists.swapLinked(at, at + Math.floor(this.random.next() * (linked.length - at)));
      const peer = linked[at] as Peer;
      if (!except.includes(peer.id)) drawn.push(peer);
    }
    return drawn;
  }

  /** Message by message, so that each is encoded once; a link gets them in order all the same. */
  #sendAll(messages: readonly MembershipMessage[], to: readonly Peer[]): void {
    for (const message of messages) for (const peer of to) this.out.send(peer.id, message);
  }

  /** Sends entries in as many messages as their limit demands. */
  sendEntries(to: NodeId, entries: readonly WireEntry[]): void {
    for (const message of updatesOf(entries)) this.out.send(to, message);
  }

  /** The ids of a random selection of few among many. */
  sampleIds(peers: readonly Peer[], count: number): NodeId[] {
    if (peers.length <= 4 * count) return this.sample(peers, count).map(({ id }) => id);
    const ids = new Set<NodeId>();
    while (ids.size < count) {
      ids.add((peers[Math.floor(this.random.next() * peers.length)] as Peer).id);
    }
    return [...ids];
  }

  /** A random selection without repetition. */
  sample<T>(items: readonly T[], count: number): T[] {
    const pool = [...items];
    const end = Math.min(count, pool.length);
    for (let at = 0; at < end; at += 1) {
      const other = at + Math.floor(this.random.next() * (pool.length - at));
      const drawn = pool[other] as T;
      pool[other] = pool[at] as T;
      pool[at] = drawn;
    }
    pool.length = end;
    return pool;
  }
}

/** Entries as messages; who sends them to many sends the same objects, which are encoded once. */
export function updatesOf(entries: readonly WireEntry[]): readonly Updates[] {
  const messages: Updates[] = [];
  for (let start = 0; start < entries.length; start += limits.entriesPerMessageMax) {
    const part = entries.slice(start, start + limits.entriesPerMessageMax);
    messages.push({ type: "updates", entries: part });
  }
  return messages;
}

/** Which statement an entry is. */
export function claimOf(entry: DirectoryEntry): Claim {
  return { id: entry.id, boot: entry.boot, incarnation: entry.incarnation };
}
