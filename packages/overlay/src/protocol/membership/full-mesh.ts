/**
 * FullMesh: the topology in which every member has a link to every other one (up to about a hundred
 * nodes).
 *
 * The first six links are wanted at once, so that a newcomer is connected and watched soon; the
 * rest follows at most sixteen dials at a time. Of two nodes the one with the lower id dials, and
 * the other only when that takes long: so few dials cross. A link that broke is dialled again at
 * once by both, because the answer is evidence.
 *
 * Invariant: an address is asked for once until its result clears it.
 */
import { membershipLimits as limits, membershipTimes as times } from "./limits.js";
import type { Peer } from "./peer.js";
import { firstFrom, type MembershipState } from "./state.js";

export class FullMesh {
  readonly #state: MembershipState;

  constructor(state: MembershipState) {
    this.#state = state;
  }

  /** Asks for the links that are wanted and may be dialled now. */
  plan(now: number): void {
    this.#state.meshChanged = false;
    const others = this.#state.others();
    let linked = 0;
    let inFlight = 0;
    for (const peer of others) {
      if (peer.link) linked += 1;
      else if (peer.dialling) inFlight += 1;
    }
    if (linked === others.length) return;
    let started = linked + inFlight;
    // From its own place on: first the successors, which this node watches.
    const first = firstFrom(others, this.#state.self.id);
    for (let step = 0; step < others.length; step += 1) {
      const index = (first + step) % others.length;
      const peer = others[index] as Peer;
      if (peer.link || peer.endingSince !== undefined) continue;
      const isFull = inFlight >= limits.dialsInFlightMax;
      const mayWait = isFull || (started >= limits.firstLinks && index < first && isNew(peer, now));
      // Told apart without looking anything up: while a mesh forms this is most of all peers.
      if (mayWait && !peer.linkedBoot) continue;
      const entry = this.#state.directory.get(peer.id);
      if (!entry || peer.wanted === entry.address) continue;
      const isBroken = peer.linkedBoot === entry.boot;
      if (mayWait && !isBroken) continue;
      const { address } = entry;
      if (peer.wanted) this.#state.out.forget(peer.wanted);
      peer.wanted = address;
      peer.dialling = true;
      inFlight += 1;
      started += 1;
      this.#state.out.connect({ id: peer.id, address });
    }
  }
}

/** Of two nodes the one with the higher id leaves the dial to the other for so long. */
function isNew(peer: Peer, now: number): boolean {
  return now - peer.knownSince < times.dialPatienceMs;
}
