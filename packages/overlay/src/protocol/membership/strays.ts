/**
 * Strays: looks at members without a link, where members have few links. One that died with all its
 * neighbours, or stands behind a partition with them, is watched by nobody otherwise.
 *
 * At rest the whole cluster looks at `straysLookedAt` members each `healIntervalMs`. That is too few when many are gone
 * at once, so what is found decides how many looks follow: whoever accuses a member looks at one stray, and whoever
 * finds that a stray does not answer looks at more, until `straysAfterMiss` in a row answer. So a single death costs a
 * look for each of its neighbours, and a cluster that lost many is looked through as fast as dials end.
 *
 * Invariants: a look is one dial of a live member whose suspicion is not confirmed yet; at most `straysAtOnceMax` are under way, those
 * at rest besides; at rest there are no more looks than those of the timer.
 */
import type { Dials } from "./dials.js";
import { membershipLimits as limits } from "./limits.js";
import type { Peer } from "./peer.js";
import type { MembershipState } from "./state.js";

/** So often a stray is drawn until one is found that may be looked at. */
const drawsMax = 16;

export class Strays {
  readonly #state: MembershipState;
  readonly #dials: Dials;
  /** Looked at now. */
  readonly #looking = new Set<Peer>();
  /** So many have to answer, one after the other, before looks come by the timer alone. */
  #owed = 0;

  constructor(state: MembershipState, dials: Dials) {
    this.#state = state;
    this.#dials = dials;
  }

  /** Now and then somebody looks whether somebody without a link is there. */
  onTimer(): void {
    const { random, lists, isPartial } = this.#state;
    if (!isPartial || random.next() >= limits.straysLookedAt / lists.live.length) return;
    this.#look();
  }

  /** This node accuses the peer on its own evidence. */
  accused(peer: Peer): void {
    const wasStray = this.#looking.delete(peer);
    this.#owed = Math.max(this.#owed, wasStray ? limits.straysAfterMiss : 1);
    this.#lookOn();
  }

  /** Somebody is there. */
  answered(peer: Peer): void {
    if (!this.#looking.delete(peer) || this.#owed === 0) return;
    this.#owed -= 1;
    this.#lookOn();
  }

  #lookOn(): void {
    if (!this.#state.isPartial) this.#owed = 0;
    // A look may also end because others had a verdict, or the topology gave up the same dial.
    for (const peer of this.#looking) {
      const isOver = peer.wanted === undefined && peer.probe === undefined;
      if (isOver || !this.#state.isLive(peer.id)) this.#looking.delete(peer);
    }
    const looks = Math.min(this.#owed, limits.straysAtOnceMax);
    while (this.#looking.size < looks && this.#look());
  }

  /** False where there is nobody to look at. */
  #look(): boolean {
    const { random, lists } = this.#state;
    const { missing } = lists;
    for (let draw = 0; draw < Math.min(drawsMax, 2 * missing.length); draw += 1) {
      const stray = missing[Math.floor(random.next() * missing.length)] as Peer;
      if (stray.wanted !== undefined || stray.probe || this.#isSuspectedEnough(stray)) continue;
      if (!this.#dials.dial(stray)) continue;
      this.#looking.add(stray);
      this.#state.out.count("stray-looked-at");
      return true;
    }
    return false;
  }

  /** Who is suspected by few is looked at as well: a suspicion that nobody confirms lasts long. */
  #isSuspectedEnough({ suspicion }: Peer): boolean {
    if (suspicion === undefined) return false;
    const { confirmers } = suspicion;
    return confirmers.size > limits.confirmationsMax || confirmers.has(this.#state.self.id);
  }
}
