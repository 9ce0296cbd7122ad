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
      const peer = others[(first + step) % others.length] as Peer;
      const address = this.#missing(peer);
      if (address === undefined) continue;
      const broken = peer.linkedBoot === this.#state.directory.get(peer.id)?.boot;
      if (!broken) {
        if (inFlight >= limits.dialsInFlightMax) continue;
        if (started >= limits.firstLinks && this.#leavesDial(peer, now)) continue;
      }
      if (peer.wanted) this.#state.out.forget(peer.wanted);
      peer.wanted = address;
      peer.dialling = true;
      inFlight += 1;
      started += 1;
      this.#state.out.connect({ id: peer.id, address });
    }
  }

  /** The address to dial, when there is no link and it was not asked for. */
  #missing(peer: Peer): string | undefined {
    if (peer.link || peer.endingSince !== undefined) return undefined;
    const entry = this.#state.directory.get(peer.id);
    if (!entry) return undefined;
    return peer.wanted === entry.address ? undefined : entry.address;
  }

  #leavesDial(peer: Peer, now: number): boolean {
    return this.#state.self.id > peer.id && now - peer.knownSince < times.dialPatienceMs;
  }
}
