/**
 * PeerLists: which peers live, which are linked, which links are missing, and the few about whom
 * something is open.
 *
 * They exist for large clusters: nearly every input asks for one of these groups, and to find it
 * among all peers each time would make the forming of a mesh cubic in its size.
 *
 * Invariants: `live` and `missing` are ordered by id; a live peer is either linked or missing, and
 * `linked` has those besides whose end is known while their link still stands; `suspects` and
 * `refused` are among the live; a peer that was let go is in none.
 */
import type { Boot, NodeId } from "@foundation/core";
import type { Peer } from "./peer.js";

export class PeerLists {
  /** Under suspicion; most of the time there are none, and then nothing is to be computed. */
  readonly suspects = new Set<Peer>();
  /** Their link broke and a dial of their address was refused: nobody listens there. */
  readonly refused = new Set<Peer>();
  /** Asked of the link layer, from the request to its first result. */
  readonly dialling = new Set<Peer>();
  /** Their link broke, and there is no new one. */
  readonly broken = new Set<Peer>();
  /** The application's view waits for the end of their old link. */
  readonly ending = new Set<Peer>();
  readonly #live: Peer[] = [];
  readonly #missing: Peer[] = [];
  readonly #linked: Peer[] = [];

  /** Alive, suspect or draining, ordered by id. It changes in place: not to be kept. */
  get live(): readonly Peer[] {
    return this.#live;
  }

  /** Those of them without a link, ordered by id. It changes in place. */
  get missing(): readonly Peer[] {
    return this.#missing;
  }

  /** All with a link, in no order. It changes in place. */
  get linked(): readonly Peer[] {
    return this.#linked;
  }

  /** The directory says whether the peer lives; answers whether that is new. */
  setLive(peer: Peer, isLive: boolean): boolean {
    const isNew = isLive ? insert(this.#live, peer) : remove(this.#live, peer);
    if (isLive && !peer.link) insert(this.#missing, peer);
    else remove(this.#missing, peer);
    return isNew;
  }

  /** A link was authenticated. */
  link(peer: Peer, boot: Boot, now: number): void {
    peer.linked(boot, now);
    this.dialling.delete(peer);
    this.broken.delete(peer);
    this.refused.delete(peer);
    remove(this.#missing, peer);
    if (peer.linkedAt >= 0) return;
    peer.linkedAt = this.#linked.length;
    this.#linked.push(peer);
  }

  /** The link ended; idle: because nothing used it. */
  unlink(peer: Peer, isIdle = false): void {
    peer.unlinked();
    this.dialling.delete(peer);
    // What was asked over a link that was closed on purpose says nothing, though nobody answers it.
    if (isIdle) peer.probe = undefined;
    else this.broken.add(peer);
    if (has(this.#live, peer)) insert(this.#missing, peer);
    if (peer.linkedAt < 0) return;
    this.swapLinked(peer.linkedAt, this.#linked.length - 1);
    this.#linked.pop();
    peer.linkedAt = -1;
  }

  /** Exchanges two places of `linked`: whoever draws some of them at random. */
  swapLinked(a: number, b: number): void {
    const first = this.#linked[a] as Peer;
    const second = this.#linked[b] as Peer;
    this.#linked[a] = second;
    this.#linked[b] = first;
    second.linkedAt = a;
    first.linkedAt = b;
  }

  /** Nothing is kept about the peer any more. It is not live and has no link. */
  letGo(peer: Peer): void {
    for (const group of [this.suspects, this.refused, this.dialling, this.broken, this.ending]) {
      group.delete(peer);
    }
  }
}

/** Index of the first peer whose id is at or behind the given one, in a list ordered by id. */
export function firstFrom(peers: readonly Peer[], id: NodeId): number {
  let low = 0;
  let high = peers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((peers[middle] as Peer).id < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function has(peers: readonly Peer[], peer: Peer): boolean {
  return peers[firstFrom(peers, peer.id)] === peer;
}

function insert(peers: Peer[], peer: Peer): boolean {
  const at = firstFrom(peers, peer.id);
  if (peers[at] === peer) return false;
  peers.splice(at, 0, peer);
  return true;
}

function remove(peers: Peer[], peer: Peer): boolean {
  const at = firstFrom(peers, peer.id);
  if (peers[at] !== peer) return false;
  peers.splice(at, 1);
  return true;
}
