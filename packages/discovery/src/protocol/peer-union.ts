/**
 * PeerUnion: the peers of all strategies together, kept so that discovery can never tear a cluster
 * down.
 *
 * Pure: sets and the passing of time go in, effects come out. Invariants: a strategy that fails
 * yields nothing and so changes nothing; a peer missing from a set is offered until it has been
 * missing for `forgetAfterMs` and the failure detector
 * agrees that it is not alive; a peer two strategies know is offered once, with its id when one of
 * them knows it. Being offered only means being dialled: who lives is for the failure detector.
 */
import type { Peer, PeerSet } from "@foundation/core";
import { discoveryLimits } from "../limits.js";

export type PeerUnionInput =
  | { readonly type: "set"; readonly set: PeerSet }
  | { readonly type: "tick" };

export type PeerUnionEffect =
  | { readonly type: "peers"; readonly peers: readonly Peer[] }
  /** Ask for a `tick` at that time; replaces an earlier wish. */
  | { readonly type: "timer"; readonly atMs: number };

interface Known {
  readonly peer: Peer;
  /** Since when the strategy no longer names it. */
  readonly missingSinceMs: number | undefined;
}

/** Merges peer sets; see the module. */
export class PeerUnion {
  readonly #sources = new Map<string, Map<string, Known>>();
  readonly #isAlive: (peer: Peer) => boolean;
  readonly #forgetAfterMs: number;
  #peers: readonly Peer[] = [];

  /** @param isAlive the failure detector's word: who is alive is not forgotten, however long it is missing. */
  constructor(
    isAlive: (peer: Peer) => boolean = () => false,
    forgetAfterMs: number = discoveryLimits.forgetAfterMs,
  ) {
    this.#isAlive = isAlive;
    this.#forgetAfterMs = forgetAfterMs;
  }

  /** The peers on offer, sorted by address. */
  get peers(): readonly Peer[] {
    return this.#peers;
  }

  /** Takes one input; the effects say what the shell has to do. */
  handle(input: PeerUnionInput, nowMs: number): readonly PeerUnionEffect[] {
    switch (input.type) {
      case "set":
        this.#take(input.set, nowMs);
        break;
      case "tick":
        break;
      default:
        input satisfies never;
    }
    this.#forget(nowMs);
    return this.#effects();
  }

  #take(set: PeerSet, nowMs: number): void {
    const before = this.#sources.get(set.source) ?? new Map<string, Known>();
    const after = new Map<string, Known>();
    for (const peer of set.peers) {
      if (after.size >= discoveryLimits.peersMax) break;
      after.set(peer.address, { peer, missingSinceMs: undefined });
    }
    for (const [address, { peer, missingSinceMs }] of before) {
      if (after.has(address) || after.size >= discoveryLimits.peersMax) continue;
      after.set(address, { peer, missingSinceMs: missingSinceMs ?? nowMs });
    }
    this.#sources.set(set.source, after);
  }

  #forget(nowMs: number): void {
    for (const known of this.#sources.values()) {
      for (const [address, { peer, missingSinceMs }] of known) {
        if (missingSinceMs === undefined) continue;
        // The very sum the timer was set to: a difference of fractions can fall just short of it,
        // and the tick would be asked for again at the same instant, for ever.
        if (nowMs < missingSinceMs + this.#forgetAfterMs) continue;
        // Missing and alive: the backend is wrong, or late. Asked again after the same time.
        if (this.#isAlive(peer)) known.set(address, { peer, missingSinceMs: nowMs });
        else known.delete(address);
      }
    }
  }

  #effects(): readonly PeerUnionEffect[] {
    const effects: PeerUnionEffect[] = [];
    const peers = this.#merged();
    if (!samePeers(peers, this.#peers)) {
      this.#peers = peers;
      effects.push({ type: "peers", peers });
    }
    const missing = [...this.#sources.values()]
      .flatMap((known) => [...known.values()])
      .flatMap(({ missingSinceMs }) => (missingSinceMs === undefined ? [] : [missingSinceMs]));
    if (missing.length > 0) {
      const earliest = missing.reduce((a, b) => Math.min(a, b));
      effects.push({ type: "timer", atMs: earliest + this.#forgetAfterMs });
    }
    return effects;
  }

  #merged(): readonly Peer[] {
    const merged = new Map<string, Peer>();
    for (const known of this.#sources.values()) {
      for (const [address, { peer }] of known) {
        const other = merged.get(address);
        merged.set(address, other === undefined ? peer : both(other, peer));
      }
    }
    return sortedByAddress(merged.values());
  }
}

/** What two strategies know of one peer: its id, if one knows it; draining, if one has heard of it. */
export function both(a: Peer, b: Peer): Peer {
  const known = a.id === undefined && b.id !== undefined ? b : a;
  return a.draining === true || b.draining === true ? { ...known, draining: true } : known;
}

/** The order in which sets are told and compared. */
export function sortedByAddress<Found extends Peer>(peers: Iterable<Found>): Found[] {
  return [...peers].sort((a, b) => (a.address < b.address ? -1 : 1));
}

/** True for two lists of the same peers in the same order. */
export function samePeers(a: readonly Peer[], b: readonly Peer[]): boolean {
  return a.length === b.length && a.every((peer, i) => isSamePeer(peer, b[i]));
}

function isSamePeer(a: Peer, b: Peer | undefined): boolean {
  return a.address === b?.address && a.id === b.id && a.draining === b.draining;
}
