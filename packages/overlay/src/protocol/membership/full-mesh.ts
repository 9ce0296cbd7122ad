/**
 * FullMesh: the topology in which every member has a link to every other one (up to about a hundred
 * nodes).
 *
 * A newcomer opens two links and hears of everybody on them. The rest of the mesh, first the members
 * that it watches, follows once the list of members is still, a few dials at a time: a link costs both
 * sides a handshake, and nothing needs it before, for a message to a member without a link opens one
 * at once, but for what can wait while many join. Of two nodes the one with the lower id dials, and the other only when that takes long: so
 * few dials cross. A link that broke is dialled again at once by both, because the answer is evidence.
 *
 * Invariant: an address is asked for once until its result clears it.
 */
import { membershipLimits as limits } from "./limits.js";
import type { Peer } from "./peer.js";
import { firstFrom } from "./peer-lists.js";
import type { MembershipState } from "./state.js";
import type { Topology } from "./topology.js";

const FILL = "fill";

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
    this.#state.out.cancelTimer(`view:${FILL}`);
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
  otherSideWants(): void {}

  onTimer(timer: string): void {
    if (timer === FILL) this.#state.meshChanged = true;
  }

  wants(): boolean {
    return true;
  }

  comesWithinMs(peer: Peer, now: number): number {
    const { growth, times } = this.#state;
    const isForming = growth.joined > limits.meshAtOnceMax && peer.linkedBoot === undefined;
    if (!isForming) return 0;
    return Math.max(0, times.dialPatienceMs - growth.unlinkedForMs(peer.knownSince, now));
  }

  plan(now: number): void {
    const { live, missing, dialling, broken } = this.#state.lists;
    if (missing.length === 0) return;
    const isSmall = live.length <= limits.meshAtOnceMax;
    const fillingMax = isSmall || !this.#isStill(now) ? 0 : this.#fillingMax;
    const linked = live.length - missing.length;
    // From its own place on: first the successors, which this node watches.
    const first = firstFrom(missing, this.#state.self.id);
    for (let step = 0; step < missing.length; step += 1) {
      const joins = isSmall || linked + dialling.size < limits.joiningLinks;
      const fills = dialling.size < fillingMax;
      if (!joins && !fills && broken.size === 0) return;
      const index = (first + step) % missing.length;
      const peer = missing[index] as Peer;
      if (peer.endingSince !== undefined) continue;
      const mayWait = !joins && !(fills && (index >= first || this.#isOverdue(peer, now)));
      // Told apart without looking anything up: while a mesh forms this is most of all peers.
      if (mayWait && !peer.linkedBoot) continue;
      this.#dial(peer, mayWait);
    }
  }

  #dial(peer: Peer, mayWait: boolean): void {
    const entry = this.#state.directory.get(peer.id);
    if (!entry || peer.wanted === entry.address) return;
    const isBroken = peer.linkedBoot === entry.boot;
    if (mayWait && !isBroken) return;
    const { address } = entry;
    if (peer.wanted) this.#state.out.forget(peer.wanted);
    peer.wanted = address;
    this.#state.lists.dialling.add(peer);
    this.#state.out.connect({ id: peer.id, address });
  }

  /** A process that is late already should not take on more. */
  get #fillingMax(): number {
    return this.#state.health.score > 0 ? 1 : limits.fillingDialsMax;
  }

  /** Nobody has joined for a while; if somebody has, it is asked again when that is over. */
  #isStill(now: number): boolean {
    const { growth, out } = this.#state;
    const waitMs = growth.settlesInMs(now);
    const timer = `view:${FILL}`;
    if (waitMs > 0 && out.dueAt(timer) === undefined) out.setTimer(timer, waitMs, now);
    return waitMs === 0;
  }

  /** Of two nodes the one with the higher id leaves the dial to the other for so long. */
  #isOverdue(peer: Peer, now: number): boolean {
    return (
      this.#state.growth.unlinkedForMs(peer.knownSince, now) >= this.#state.times.dialPatienceMs
    );
  }
}
