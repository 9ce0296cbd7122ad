/**
 * Swim: the failure detector (SWIM, Das et al., DSN 2002; Lifeguard, arXiv 1707.00788).
 *
 * Every period each node probes the three members that follow it in id order (so that everybody is
 * watched each second whatever the size), those under suspicion, and one random member (so that no
 * set of dead watchers hides a death). Where members have few links it probes those it has a link to,
 * two a period: a link is watched from both ends, and only who has one may judge. A probe that is not answered directly is tried through three
 * helpers; when none reaches it, verdicts.ts decides.
 *
 * Invariant: at most one probe of a member at a time; any frame from it counts as an answer.
 */
import type { NodeId } from "@foundation/core";
import type { Gossip } from "./gossip.js";
import { membershipLimits as limits } from "./limits.js";
import type { MembershipMessage } from "./messages.js";
import { firstFrom } from "./peer-lists.js";
import type { Peer, Probe } from "./peer.js";
import { claimOf, type MembershipState } from "./state.js";
import type { Verdicts } from "./verdicts.js";

type MessageOf<Type extends MembershipMessage["type"]> = MembershipMessage & { type: Type };

/** A probe this node runs for another one. */
interface Relay {
  readonly asker: NodeId;
  readonly askerSeq: number;
  readonly target: NodeId;
}

export class Swim {
  readonly #state: MembershipState;
  readonly #gossip: Gossip;
  readonly #verdicts: Verdicts;
  #seq = 0;
  #round: NodeId[] = [];
  readonly #relays = new Map<number, Relay>();

  constructor(state: MembershipState, gossip: Gossip, verdicts: Verdicts) {
    this.#state = state;
    this.#gossip = gossip;
    this.#verdicts = verdicts;
  }

  /** One protocol period. */
  tick(now: number): void {
    const others = this.#state.lists.live;
    for (const peer of this.#targets(others)) this.#probe(peer, now);
  }

  /** The own event loop was held up: what is under way proves nothing about others. */
  held(): void {
    for (const peer of this.#state.peers.values()) this.#endProbe(peer);
  }

  onPing(from: NodeId, message: MessageOf<"ping">, now: number): void {
    const { self, directory } = this.#state;
    this.#state.out.send(from, { type: "ack", seq: message.seq });
    if (message.id !== self.id) return;
    this.#gossip.aboutSelf(message, message.status, now);
    const stale = message.boot < self.boot || message.incarnation < this.#state.self.incarnation;
    const entry = stale ? directory.wire(self.id, now) : undefined;
    if (entry) this.#state.sendEntries(from, [entry]);
  }

  onAck(from: NodeId, seq: number, now: number): void {
    const peer = this.#state.peers.get(from);
    if (peer?.probe?.seq === seq) {
      const roundTripMs = now - peer.probe.sentAt;
      peer.srttMs =
        peer.srttMs === undefined ? roundTripMs : peer.srttMs * 0.875 + roundTripMs * 0.125;
      peer.directMisses = 0;
      this.#state.health.better();
      this.#endProbe(peer);
      return;
    }
    const relay = this.#relays.get(seq);
    if (relay?.target === from) this.#endRelay(seq, relay, true);
  }

  onPingRequest(from: NodeId, message: MessageOf<"ping-req">, now: number): void {
    const { seq: askerSeq, type: _, ...claim } = message;
    const target = this.#state.peers.get(message.id);
    if (!target?.link || this.#relays.size >= limits.relaysMax) {
      this.#state.out.send(from, { type: "ping-res", seq: askerSeq, reached: false });
      return;
    }
    this.#seq += 1;
    this.#relays.set(this.#seq, { asker: from, askerSeq, target: message.id });
    this.#state.out.send(message.id, { type: "ping", ...claim, seq: this.#seq });
    this.#state.out.setTimer(`relay:${this.#seq}`, this.#state.times.relayTimeoutMs, now);
  }

  onPingResult(message: MessageOf<"ping-res">, now: number): void {
    for (const peer of this.#state.peers.values()) {
      if (peer.probe?.seq !== message.seq || peer.probe.stage !== "indirect") continue;
      if (message.reached) this.#vouched(peer, now);
      else peer.probe.refusals += 1;
      return;
    }
  }

  onProbeTimer(id: NodeId, lateMs: number, now: number): void {
    const peer = this.#state.peers.get(id);
    const probe = peer?.probe;
    if (!peer || !probe) return;
    if (this.#state.heardAt(peer) > probe.sentAt) return this.#endProbe(peer);
    if (lateMs > this.#state.times.lateTimerMs && !probe.graced) {
      probe.graced = true;
      this.#state.out.setTimer(`probe:${id}`, this.#state.times.lateTimerMs, now);
    } else if (probe.stage === "direct") {
      this.#askHelpers(peer, probe, now);
    } else {
      this.#unanswered(peer, probe, now);
    }
  }

  /**
   * A dial of a member was not answered. Where members have few links it is a probe that failed: somebody whose
   * neighbours all died, or are cut off as well, is watched by nobody.
   */
  notReached(peer: Peer, now: number): void {
    if (!this.#state.isPartial || peer.link || peer.probe) return;
    if (peer.suspicion?.confirmers.has(this.#state.self.id) === true) return;
    if (this.#state.isLive(peer.id)) this.#probe(peer, now);
  }

  onRelayTimer(seq: number): void {
    const relay = this.#relays.get(seq);
    if (relay) this.#endRelay(seq, relay, false);
  }

  /** Successors in id order, suspects, and the next of a shuffled round. */
  #targets(others: readonly Peer[]): Set<Peer> {
    if (this.#state.isPartial) return this.#linkedTargets();
    const targets = new Set<Peer>();
    const start = firstFrom(others, this.#state.self.id);
    for (let step = 0; step < Math.min(limits.successorsWatched, others.length); step += 1) {
      const peer = others[(start + step) % others.length];
      if (peer) targets.add(peer);
    }
    const suspects = this.#state.sample([...this.#state.lists.suspects], limits.suspectsProbedMax);
    for (const peer of suspects) targets.add(peer);
    const next = this.#nextOfRound(others);
    if (next) targets.add(next);
    return targets;
  }

  /** Links one after the other, and suspects there is a link to. */
  #linkedTargets(): Set<Peer> {
    const { linked, suspects } = this.#state.lists;
    const targets = new Set<Peer>();
    const able = [...suspects].filter((peer) => peer.link);
    for (const peer of this.#state.sample(able, limits.suspectsProbedMax)) targets.add(peer);
    if (this.#round.length === 0) this.#round = this.#state.sample(linked, linked.length).map(idOf);
    for (let left = limits.linksWatched; left > 0 && this.#round.length > 0; ) {
      const peer = this.#state.peers.get(this.#round.pop() as NodeId);
      if (!peer?.link || !this.#state.isLive(peer.id)) continue;
      targets.add(peer);
      left -= 1;
    }
    return targets;
  }

  #nextOfRound(others: readonly Peer[]): Peer | undefined {
    if (others.length <= limits.successorsWatched) return undefined;
    if (this.#round.length === 0) {
      const ids = others.map((peer) => peer.id);
      this.#round = this.#state.sample(ids, ids.length);
    }
    while (this.#round.length > 0) {
      const id = this.#round.pop();
      const peer = id && this.#state.isLive(id) ? this.#state.peers.get(id) : undefined;
      if (peer) return peer;
    }
    return undefined;
  }

  #probe(peer: Peer, now: number): void {
    if (peer.probe) return;
    const fresh = !peer.linkedBoot && this.#mayBeLinkedSoon(peer, now);
    const entry = this.#state.directory.get(peer.id);
    if (!entry || (!peer.link && fresh)) return;
    this.#seq += 1;
    const seq = this.#seq;
    const probe: Probe = {
      seq,
      sentAt: now,
      stage: "direct",
      helpers: 0,
      refusals: 0,
      graced: false,
    };
    peer.probe = probe;
    if (!peer.link) return this.#askHelpers(peer, probe, now);
    this.#state.out.send(peer.id, { type: "ping", ...claimOf(entry), seq, status: entry.status });
    const waitMs = Math.max(this.#state.times.probeTimeoutMinMs, 4 * (peer.srttMs ?? 0));
    this.#state.out.setTimer(`probe:${peer.id}`, waitMs * this.#state.health.patience, now);
  }

  #mayBeLinkedSoon(peer: Peer, now: number): boolean {
    const { growth, times } = this.#state;
    if (growth.settlesInMs(now) > 0) return true;
    return growth.unlinkedForMs(peer.knownSince, now) < times.firstLinkGraceMs;
  }

  #askHelpers(peer: Peer, probe: Probe, now: number): void {
    const entry = this.#state.directory.get(peer.id);
    if (!entry) return this.#endProbe(peer);
    this.#state.out.count("probe-indirect");
    const able = this.#state.lists.live.filter((other) => other !== peer && other.link);
    const steady = able.filter((other) => !other.suspicion);
    const pool = steady.length > 0 ? steady : able;
    const helpers = this.#state.sample(pool, limits.indirectProbes);
    probe.stage = "indirect";
    probe.graced = false;
    probe.helpers = helpers.length;
    const { seq } = probe;
    for (const helper of helpers) {
      const request = { type: "ping-req", ...claimOf(entry), seq, status: entry.status } as const;
      this.#state.out.send(helper.id, request);
    }
    const waitMs = this.#state.times.indirectTimeoutMs * this.#state.health.patience;
    this.#state.out.setTimer(`probe:${peer.id}`, waitMs, now);
  }

  /** Neither it nor a helper answered. */
  #unanswered(peer: Peer, probe: Probe, now: number): void {
    this.#endProbe(peer);
    if (!this.#state.isLive(peer.id)) return;
    this.#state.out.count("probe-failed");
    const heardByNone = probe.refusals < probe.helpers || probe.helpers === 0;
    if (heardByNone && !peer.suspicion) this.#state.health.worse();
    if (this.#state.health.canJudge(now))
      this.#verdicts.accuse(peer, this.#state.self.id, false, now);
  }

  /** A helper reached it: the fault is in our link to it, if there is one. */
  #vouched(peer: Peer, now: number): void {
    this.#endProbe(peer);
    peer.vouchedAt = now;
    this.#state.lists.refused.delete(peer);
    if (!peer.link) return;
    peer.directMisses += 1;
    if (peer.directMisses < limits.directMissesMax) return;
    peer.directMisses = 0;
    const fields = { id: peer.id, probes: limits.directMissesMax };
    this.#state.out.log(
      "warn",
      "A link is silent though others reach the node: opening it anew",
      fields,
    );
    this.#state.out.disconnect(peer.id, peer.link, false);
  }

  #endProbe(peer: Peer): void {
    peer.probe = undefined;
    this.#state.out.cancelTimer(`probe:${peer.id}`);
  }

  #endRelay(seq: number, relay: Relay, reached: boolean): void {
    this.#relays.delete(seq);
    this.#state.out.cancelTimer(`relay:${seq}`);
    this.#state.out.send(relay.asker, { type: "ping-res", seq: relay.askerSeq, reached });
  }
}

function idOf({ id }: Peer): NodeId {
  return id;
}
