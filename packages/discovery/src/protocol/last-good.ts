/**
 * LastGood: what a look-up's answer may do to the set a strategy offers, so that no answer can tear a cluster down.
 *
 * Pure. Invariants: an answer that names nobody, where somebody was known, changes nothing; a partial answer adds and
 * never takes away; a full answer adds at once, and who is missing from it stays on offer until it was missing from
 * `missesMax` full answers in a row. A watch that is told of a deletion removes with `missesMax: 1`. Where the set is full,
 * who was not named for longest makes room: a backend that never answers in full must not leave only the dead on offer.
 */
import type { Peer } from "@foundation/core";
import { discoveryLimits } from "../limits.js";

/** What one look-up answered. */
export interface Answer {
  readonly peers: readonly Peer[];
  /** Why the answer may lack peers that are there, e.g. `the AAAA look-up timed out`. Absent: it is whole. */
  readonly partial?: string;
}

export interface Verdict {
  /** The set on offer now. */
  readonly peers: readonly Peer[];
  /** What to report of the answer: it changed less than it says. */
  readonly doubt?: "empty" | "partial";
}

interface Known {
  readonly peer: Peer;
  readonly misses: number;
}

/** Keeps the last good set; see the module. */
export class LastGood {
  readonly #known = new Map<string, Known>();

  /** @param missesMax full answers in a row that a peer must be missing from before it goes. */
  constructor(readonly missesMax: number = discoveryLimits.missesMax) {}

  /** The set on offer. */
  get peers(): readonly Peer[] {
    return [...this.#known.values()].map(({ peer }) => peer);
  }

  /** Takes an answer that came in good order. */
  take(answer: Answer): Verdict {
    const isNobody = answer.peers.length === 0 && this.#known.size > 0;
    if (isNobody && answer.partial !== undefined) return { peers: this.peers, doubt: "partial" };
    if (isNobody) return { peers: this.peers, doubt: "empty" };
    const named = new Set<string>();
    for (const peer of answer.peers) {
      if (named.size >= discoveryLimits.peersMax && !named.has(peer.address)) continue;
      named.add(peer.address);
      // Set anew, so that the order of the map is that of being named.
      this.#known.delete(peer.address);
      this.#known.set(peer.address, { peer, misses: 0 });
    }
    for (const address of this.#known.keys()) {
      if (this.#known.size <= discoveryLimits.peersMax) break;
      this.#known.delete(address);
    }
    if (answer.partial !== undefined) return { peers: this.peers, doubt: "partial" };
    for (const [address, { peer, misses }] of this.#known) {
      if (named.has(address)) continue;
      if (misses + 1 >= this.missesMax) this.#known.delete(address);
      else this.#known.set(address, { peer, misses: misses + 1 });
    }
    return { peers: this.peers };
  }
}
