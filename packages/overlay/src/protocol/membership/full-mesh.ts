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
import { membershipLimits as limits } from "./limits.js";
import type { Peer } from "./peer.js";
import { firstFrom } from "./peer-lists.js";
import type { MembershipState } from "./state.js";
import type { Topology } from "./topology.js";

export class FullMesh implements Topology {
  readonly name = "full-mesh";
  readonly isPartial = false;
  readonly #state: MembershipState;

  constructor(state: MembershipState) {
    this.#state = state;
  }

  start(): void {
    for (const peer of this.#state.lists.linked) this.linkUp(peer);
    this.#state.meshChanged = true;
  }

  /** What is not linked yet is another topology's affair. */
  stop(): void {
    const { missing, dialling } = this.#state.lists;
    for (const peer of missing) {
      if (peer.wanted === undefined) continue;
      this.#state.out.forget(peer.wanted);
      peer.wanted = undefined;
      dialling.delete(peer);
    }
  }

  /** Every link is one to a neighbour. */
  linkUp(peer: Peer): void {
    this.#state.setNeighbour(peer, true);
  }

  linkDown(): void {}
  dialFailed(): void {}
  livenessChanged(): void {}
  /** Of another node's topology: it will be this one's soon, or has been. */
  onMessage(): void {}
  onTimer(): void {}
  otherSideWants(): void {}

  wants(): boolean {
    return true;
  }

  plan(now: number): void {
    const { live, missing, dialling, broken } = this.#state.lists;
    if (missing.length === 0) return;
    const linked = live.length - missing.length;
    const { dialPatienceMs } = this.#state.times;
    // From its own place on: first the successors, which this node watches.
    const first = firstFrom(missing, this.#state.self.id);
    for (let step = 0; step < missing.length; step += 1) {
      const index = (first + step) % missing.length;
      const peer = missing[index] as Peer;
      if (peer.endingSince !== undefined) continue;
      const isFull = dialling.size >= limits.dialsInFlightMax;
      if (isFull && broken.size === 0) return;
      const started = linked + dialling.size;
      const mayWait =
        isFull ||
        (started >= limits.firstLinks && index < first && isNew(peer, dialPatienceMs, now));
      // Told apart without looking anything up: while a mesh forms this is most of all peers.
      if (mayWait && !peer.linkedBoot) continue;
      const entry = this.#state.directory.get(peer.id);
      if (!entry || peer.wanted === entry.address) continue;
      const isBroken = peer.linkedBoot === entry.boot;
      if (mayWait && !isBroken) continue;
      const { address } = entry;
      if (peer.wanted) this.#state.out.forget(peer.wanted);
      peer.wanted = address;
      dialling.add(peer);
      this.#state.out.connect({ id: peer.id, address });
    }
  }
}

/** Of two nodes the one with the higher id leaves the dial to the other for so long. */
function isNew(peer: Peer, patienceMs: number, now: number): boolean {
  return now - peer.knownSince < patienceMs;
}
