/**
 * Verdicts: who is suspected, who is down, and on whose word (Lifeguard, arXiv 1707.00788).
 *
 * Two kinds of evidence lead here. A probe that nobody answered starts a suspicion, which the
 * suspect may refute until its time is over. A process that dies closes its sockets and its port: a
 * link that broke and an address that refuses is stronger evidence, and when two other nodes (or
 * all there are) have seen the same, no time is waited.
 *
 * Invariants: no verdict while the own event loop is held up; no verdict of one node alone about a
 * member that somebody else still reaches, since that member refutes.
 */
import type { NodeId } from "@foundation/core";
import { isEnded, type DirectoryEntry } from "./entry.js";
import type { Gossip } from "./gossip.js";
import { membershipLimits as limits } from "./limits.js";
import type { MembershipMessage, WireEntry } from "./messages.js";
import type { Peer } from "./peer.js";
import { claimOf, type MembershipState } from "./state.js";
import { suspicionMs, type Suspicion } from "./suspicion.js";

type SuspectMessage = MembershipMessage & { type: "suspect" };

/** A cluster that grew or shrank by less than this part changes the time of a suspicion by less than a hundredth. */
const MEMBERS_CHANGE_MIN = 0.05;

export class Verdicts {
  readonly #state: MembershipState;
  readonly #gossip: Gossip;
  /** What every open suspicion was timed for last: confirmations that end one, and members of the cluster. */
  #timedFor = { confirmations: 0, members: 0 };
  /** Called when this node has evidence of its own against a member. */
  onAccused: (peer: Peer) => void = () => {};

  constructor(state: MembershipState, gossip: Gossip) {
    this.#state = state;
    this.#gossip = gossip;
  }

  /** The own event loop was held up: nobody is judged before what waits in the sockets is read. */
  held(now: number): void {
    for (const peer of this.#state.peers.values()) {
      if (peer.suspicion) peer.suspicion.notBefore = now + this.#state.times.lagGraceMs;
      if (peer.doubted)
        this.#state.out.setTimer(`doubt:${peer.id}`, this.#state.times.lagGraceMs, now);
    }
    for (const peer of this.#state.lists.suspects) this.#time(peer, now);
  }

  /** The directory took in a statement about the peer. */
  learned(peer: Peer, entry: DirectoryEntry, from: NodeId, now: number): void {
    if (entry.status === "suspect") {
      this.#open(peer, from, now);
    } else {
      const { out } = this.#state;
      if (peer.probe) out.cancelTimer(`probe:${peer.id}`);
      if (peer.suspicion) out.cancelTimer(`suspect:${peer.id}`);
      if (peer.doubted) out.cancelTimer(`doubt:${peer.id}`);
      peer.absolve();
      this.#state.lists.suspects.delete(peer);
      this.#state.lists.refused.delete(peer);
    }
    this.#timeSuspicions(peer, now);
  }

  onSuspect(via: NodeId, message: SuspectMessage, now: number): void {
    if (message.id === this.#state.self.id) {
      this.#gossip.aboutSelf(message, "suspect", now);
      return;
    }
    const entry = this.#state.directory.get(message.id);
    if (!entry) return;
    const age = compareClaims(message, entry);
    if (age < 0 || isEnded(entry.status)) {
      const newer = this.#state.directory.wire(message.id, now);
      if (newer && (age < 0 || !this.#isBeingTold(newer))) this.#state.sendEntries(via, [newer]);
      return;
    }
    const peer = this.#state.peers.get(message.id);
    if (age > 0 || !peer) {
      this.#state.out.send(via, { type: "digest", buckets: this.#state.directory.digest() });
      return;
    }
    this.accuse(peer, message.from, message.refused, now, via);
  }

  /**
   * Nobody listens at the member's address. It counts when there was a link, or when others lost
   * theirs as well.
   */
  dialRefused(peer: Peer, now: number): void {
    peer.dialRefusedAt = now;
    this.#noteRefusal(peer, now);
    this.judgeLost(now);
  }

  /**
   * A new link: the other side hears whose address refuses this node. It was told when nobody was there to hear it,
   * and without it two survivors who have found each other wait out each suspicion.
   */
  linkUp(to: Peer): void {
    const { lists, directory, self, out } = this.#state;
    if (lists.refused.size === 0) return;
    for (const { id } of this.#state.sample([...lists.refused], limits.entriesPerMessageMax)) {
      const entry = directory.get(id);
      if (!entry || id === to.id || isEnded(entry.status)) continue;
      out.send(to.id, { type: "suspect", ...claimOf(entry), from: self.id, refused: true });
    }
  }

  /** Members whose process is gone by the evidence of all who can be asked, or of two of them. */
  judgeLost(now: number): void {
    if (!this.#state.health.canJudge(now)) return;
    const { live, missing, refused } = this.#state.lists;
    if (refused.size === 0) return;
    for (const peer of [...refused]) {
      if (!refused.has(peer) || peer.link || !this.#state.isLive(peer.id)) continue;
      // The peer itself is one of the missing.
      const askable = live.length - missing.length;
      const isUnknown = (other: Peer) => other !== peer && !refused.has(other);
      if (askable === 0 && missing.some(isUnknown)) continue;
      if (this.#agreeing(peer) < Math.min(limits.confirmationsMax, askable)) continue;
      this.#declare(peer, "its connection closed and its address refuses new ones", now);
    }
  }

  /** How many of those who can be asked say that the peer is gone. */
  #agreeing(peer: Peer): number {
    let count = 0;
    const { isPartial } = this.#state;
    for (const id of peer.refusedBy) {
      const isHeard = isPartial || this.#state.peers.get(id)?.link !== undefined;
      if (isHeard && this.#state.isLive(id)) count += 1;
    }
    return count;
  }

  onSuspicionTimer(id: NodeId, lateMs: number, now: number): void {
    const peer = this.#state.peers.get(id);
    const suspicion = peer?.suspicion;
    if (!peer || !suspicion) return;
    const timer = `suspect:${id}`;
    const againMs = Math.max(this.#state.health.heldForMs(now), this.#suspicionLeftMs(peer, now));
    if (againMs > 0) {
      this.#state.out.setTimer(timer, againMs, now);
    } else if (lateMs > this.#state.times.lateTimerMs && !suspicion.graced) {
      suspicion.graced = true;
      this.#state.out.setTimer(timer, this.#state.times.lateTimerMs, now);
    } else if (peer.link && now - this.#state.heardAt(peer) < this.#state.times.periodMs) {
      this.#state.out.setTimer(timer, this.#state.times.periodMs, now);
    } else {
      this.#declare(peer, "it did not answer and nobody reached it", now);
    }
  }

  #noteRefusal(peer: Peer, now: number): void {
    const entry = this.#state.directory.get(peer.id);
    if (!entry || isEnded(entry.status) || peer.link || this.#state.lists.refused.has(peer)) return;
    if (!this.#state.health.canJudge(now)) return;
    if (now - peer.vouchedAt < this.#state.times.suspicionBaseMs) return;
    const wasLinked = peer.linkedBoot === entry.boot || peer.refusedBy.size > 0;
    if (!wasLinked && !this.#state.isPartial) return;
    this.#state.lists.refused.add(peer);
    this.accuse(peer, this.#state.self.id, true, now);
  }

  /** One accusation, ours or another's, told on when it adds something. */
  accuse(peer: Peer, from: NodeId, refused: boolean, now: number, via?: NodeId): void {
    const entry = this.#state.directory.get(peer.id);
    if (!entry || isEnded(entry.status)) return;
    const { self } = this.#state;
    const fresh = peer.suspicion === undefined;
    const isOwn = from === self.id && peer.suspicion?.confirmers.has(from) !== true;
    if (fresh) this.#gossip.learn({ ...entry, status: "suspect" }, 0, from, now);
    const suspicion = this.#open(peer, from, now);
    let news = fresh || (refused && from === self.id);
    if (!suspicion.confirmers.has(from)) {
      suspicion.confirmers.add(from);
      news ||= suspicion.confirmers.size <= limits.confirmationsMax + 1;
      this.#timeSuspicions(peer, now);
    }
    if (refused && from !== self.id && !peer.refusedBy.has(from)) {
      peer.addRefusedBy(from);
      // More do not add to it: whoever judges needs two besides its own, and of three two are.
      news ||= this.#agreeing(peer) <= limits.confirmationsMax + 1;
    }
    if (news) {
      const message = { type: "suspect", ...claimOf(entry), from, refused } as const;
      if (from === self.id) this.#state.broadcast([message]);
      else this.#state.relay([message], from, via ?? from);
    }
    if (isOwn) this.onAccused(peer);
    const recentlyRefused = now - peer.dialRefusedAt < this.#state.times.periodMs;
    if (refused && from !== self.id && recentlyRefused) this.#noteRefusal(peer, now);
    if (refused && from !== self.id) this.judgeLost(now);
  }

  /** A verdict so young is on its way to everybody: each of a death's accusations would be answered with it. */
  #isBeingTold({ status, ageMs }: WireEntry): boolean {
    return isEnded(status) && ageMs < this.#state.times.periodMs;
  }

  #declare(peer: Peer, reason: string, now: number): void {
    const entry = this.#state.directory.get(peer.id);
    if (!entry || isEnded(entry.status)) return;
    peer.reason = reason;
    this.#state.out.log("info", "A node is down", { id: peer.id, name: entry.name, reason });
    this.#gossip.learn({ ...entry, status: "down" }, 0, this.#state.self.id, now);
  }

  /**
   * Sets the time of one suspicion, and of all others where the cluster has changed enough to matter to them. When a
   * part of a large cluster dies, every node hears some accusations of each of the dead: timing all of them each time
   * would cost the square of their number.
   */
  #timeSuspicions(changed: Peer, now: number): void {
    const { live, suspects } = this.#state.lists;
    const members = live.length + 1;
    const confirmations = Math.min(limits.confirmationsMax, live.length - suspects.size);
    const before = this.#timedFor;
    const grown = Math.abs(members - before.members);
    if (confirmations === before.confirmations && grown < before.members * MEMBERS_CHANGE_MIN) {
      if (changed.suspicion) this.#time(changed, now);
      return;
    }
    this.#timedFor = { confirmations, members };
    for (const peer of suspects) this.#time(peer, now);
  }

  #time(peer: Peer, now: number): void {
    const { out } = this.#state;
    const timer = `suspect:${peer.id}`;
    const leftMs = this.#suspicionLeftMs(peer, now);
    if (out.dueAt(timer) !== now + leftMs) out.setTimer(timer, leftMs, now);
  }

  #suspicionLeftMs(peer: Peer, now: number): number {
    const { suspicion } = peer;
    if (!suspicion) return 0;
    const { live, suspects } = this.#state.lists;
    const witnesses = live.length - suspects.size;
    const allowedMs = suspicionMs(
      suspicion.confirmers.size - 1,
      witnesses,
      live.length + 1,
      this.#state.times,
    );
    return Math.max(0, Math.max(suspicion.since + allowedMs, suspicion.notBefore) - now);
  }

  #open(peer: Peer, from: NodeId, now: number): Suspicion {
    if (!peer.suspicion) {
      const confirmers = new Set([from]);
      peer.suspicion = { since: now, confirmers, notBefore: 0, graced: false };
      this.#state.lists.suspects.add(peer);
      this.#state.out.count("suspicion");
    }
    return peer.suspicion;
  }
}

/** Positive when the claim is newer than the entry, 0 when it speaks of the same incarnation. */
function compareClaims(claim: SuspectMessage, entry: DirectoryEntry): number {
  if (claim.boot !== entry.boot) return claim.boot > entry.boot ? 1 : -1;
  return claim.incarnation - entry.incarnation;
}
