/**
 * Membership: the whole protocol as one pure state machine, `handle(input, now)` → effects.
 *
 * It joins the parts: gossip (what is known), swim and verdicts (who lives), a topology (which links
 * are wanted) and healing (how halves find each other again). docs/protocol/membership.md describes
 * messages, states and timers.
 *
 * Invariants: `now` never goes back; after `leave` there are no effects; a verdict is never given
 * on evidence gathered while the own event loop stood still, which this core notices itself by its
 * overdue period timer.
 */
import type { Member, NodeId, Random } from "@foundation/core";
import type { LinkEvent } from "../../membership/link-layer.js";
import { assert } from "../assert.js";
import { Dials } from "./dials.js";
import type { MembershipEffect, MembershipInput } from "./effects.js";
import { isEnded, memberOf, type DirectoryEntry } from "./entry.js";
import { explain, type PeerExplanation } from "./explanation.js";
import { FullMesh } from "./full-mesh.js";
import { Gossip } from "./gossip.js";
import { Healing } from "./healing.js";
import { membershipLimits as limits, membershipTimes, type MembershipTimes } from "./limits.js";
import { parseMembershipMessage } from "./messages.js";
import { PartialView } from "./partial-view.js";
import type { Peer } from "./peer.js";
import { MembershipState, type LastHeard } from "./state.js";
import { Swim } from "./swim.js";
import { ServerView } from "./server-view.js";
import type { Topology } from "./topology.js";
import { TopologyChoice } from "./topology-choice.js";
import type { TopologyMode, TopologyName } from "../switching/topologies.js";
import { Verdicts } from "./verdicts.js";
import { MembershipView, type MembershipReport } from "./view.js";

/** This node as it introduces itself. */
export type SelfDescription = Omit<DirectoryEntry, "incarnation" | "status">;

export interface MembershipCoreOptions {
  readonly self: SelfDescription;
  readonly random: Random;
  /** Clock.now of the last frame from a node on any link, where the link layer knows it. */
  readonly lastHeard?: LastHeard;
  /** @default those of one data centre */
  readonly times?: MembershipTimes;
  /** What a new cluster begins with; one that is there is followed. @default "auto" */
  readonly topology?: TopologyMode;
}

const TOPOLOGIES = {
  "full-mesh": FullMesh,
  hyparview: PartialView,
  "client-server": ServerView,
} as const;

export class MembershipCore {
  readonly #state: MembershipState;
  readonly #view: MembershipView;
  readonly #gossip: Gossip;
  readonly #verdicts: Verdicts;
  readonly #swim: Swim;
  readonly #choice: TopologyChoice;
  #topology: Topology;
  readonly #healing: Healing;
  readonly #dials: Dials;
  #now = Number.NEGATIVE_INFINITY;
  /** When the next period is due: every input asks. */
  #periodDue = Number.POSITIVE_INFINITY;
  #ended = false;

  constructor(options: MembershipCoreOptions) {
    const self: DirectoryEntry = { ...options.self, incarnation: 0, status: "alive" };
    const { random, lastHeard = () => undefined, times = membershipTimes } = options;
    this.#state = new MembershipState(self, random, lastHeard, times);
    this.#state.onLiveness = (peer, isLive) =>
      this.#topology.livenessChanged(peer, isLive, this.#now);
    this.#view = new MembershipView(this.#state);
    this.#gossip = new Gossip(this.#state, (peer, entry, from, now) => {
      this.#verdicts.learned(peer, entry, from, now);
    });
    this.#verdicts = new Verdicts(this.#state, this.#gossip);
    this.#swim = new Swim(this.#state, this.#gossip, this.#verdicts);
    const { topology = "auto" } = options;
    this.#choice = new TopologyChoice(this.#state, topology, (name, at) => this.#change(name, at));
    this.#topology = this.#topologyOf(this.#choice.topology);
    this.#healing = new Healing(this.#state);
    this.#dials = new Dials(this.#state);
  }

  get self(): Member {
    return memberOf(this.#state.self);
  }

  get topology(): TopologyName {
    return this.#topology.name;
  }

  /** The topology follows the size of the cluster. */
  get isAutomatic(): boolean {
    return !this.#choice.isPinned;
  }

  /**
   * What the application sees, ordered by id; the same array between changes. Empty once this node
   * has left.
   */
  members(): readonly Member[] {
    return this.#ended ? [] : this.#view.members();
  }

  member(id: NodeId): Member | undefined {
    return this.#ended ? undefined : this.#view.member(id);
  }

  /** What is known of another node and the link to it. */
  explain(id: NodeId, now: number): PeerExplanation {
    return explain(this.#state, this.topology, id, now);
  }

  report(now: number): MembershipReport {
    return { ...this.#view.report(now), members: this.members().length };
  }

  /** Takes one input and gives what is to be done, in order. */
  handle(input: MembershipInput, now: number): MembershipEffect[] {
    assert(now >= this.#now, "time never goes back");
    this.#now = now;
    if (this.#ended) return [];
    this.#noticeLag(now);
    this.#dispatch(input, now);
    if (this.#state.meshChanged && !this.#ended) {
      this.#state.meshChanged = false;
      this.#choice.recount(now);
      this.#topology.plan(now);
    }
    return this.#state.out.take();
  }

  #dispatch(input: MembershipInput, now: number): void {
    switch (input.type) {
      case "start":
        return this.#start(now);
      case "timer":
        return this.#onTimer(input.timer, now);
      case "link-up":
      case "link-down":
      case "message":
      case "dial-answered":
      case "dial-refused":
      case "dial-failed":
        this.#onLink(input, now);
        return this.#gossip.flush(now);
      case "discovered":
        return this.#healing.discovered(input.addresses);
      case "lag":
        return this.#held(input.lagMs, now);
      case "switch":
        return this.#choice.switchTo(input.to, now);
      case "drain":
        return this.#drain(now);
      case "leave":
        return this.#leave(now);
      default:
        input satisfies never;
    }
  }

  #start(now: number): void {
    const { out, random, times } = this.#state;
    this.#armPeriod(times.periodMs * random.next(), now);
    out.setTimer("sync", times.syncIntervalMs * (0.5 + random.next() / 2), now);
    out.setTimer("heal", times.healIntervalMs * (0.5 + random.next() / 2), now);
    this.#topology.start(now);
    this.#choice.start(now);
  }

  #topologyOf(name: TopologyName): Topology {
    const topology = new TOPOLOGIES[name](this.#state);
    this.#state.isPartial = topology.isPartial;
    return topology;
  }

  /** The links that are up stay until the new topology has those it wants. */
  #change(name: TopologyName, now: number): void {
    const from = this.#topology.name;
    if (name === from) return;
    const { out, lists } = this.#state;
    out.log("info", "The topology changes", { from, to: name });
    out.topology(from, name);
    this.#topology.stop(now);
    this.#topology = this.#topologyOf(name);
    this.#topology.start(now);
    for (const peer of lists.linked) this.#state.want(peer, this.#topology.wants(peer));
  }

  #onTimer(timer: string, now: number): void {
    const { out, directory, times } = this.#state;
    const lateMs = out.fired(timer, now);
    if (lateMs === undefined) return;
    const [kind = "", subject = ""] = timer.split(":");
    switch (kind) {
      case "period":
        this.#armPeriod(times.periodMs, now);
        this.#period(now);
        break;
      case "sync":
        out.setTimer("sync", times.syncIntervalMs, now);
        directory.expire(now);
        this.#gossip.compare();
        break;
      case "heal":
        out.setTimer("heal", times.healIntervalMs, now);
        this.#healing.attempt();
        if (this.#state.isPartial) this.#lookAtStray();
        break;
      case "probe":
        this.#swim.onProbeTimer(subject as NodeId, lateMs, now);
        break;
      case "relay":
        this.#swim.onRelayTimer(Number(subject));
        break;
      case "suspect":
        this.#verdicts.onSuspicionTimer(subject as NodeId, lateMs, now);
        break;
      case "doubt": {
        const peer = this.#state.peers.get(subject as NodeId);
        if (peer) this.#gossip.believe(peer, now);
        break;
      }
      case "view":
        this.#topology.onTimer(timer.slice("view:".length), now);
        break;
      case "choice":
        this.#choice.onTimer(subject, now);
        break;
    }
    this.#gossip.flush(now);
  }

  /**
   * Where members have few links, one that died with all its neighbours is watched by nobody: now and
   * then somebody without a link to it looks whether it is there.
   */
  #lookAtStray(): void {
    const { random, lists } = this.#state;
    const { live, missing } = lists;
    if (missing.length === 0 || random.next() >= limits.straysLookedAt / live.length) return;
    const stray = missing[Math.floor(random.next() * missing.length)];
    if (stray !== undefined && stray.wanted === undefined) this.#dials.dial(stray);
  }

  #period(now: number): void {
    for (const peer of [...this.#state.lists.ending]) this.#gossip.reveal(peer, now);
    this.#swim.tick(now);
    this.#verdicts.judgeLost(now);
    this.#state.meshChanged = true;
  }

  #onLink(event: LinkEvent, now: number): void {
    switch (event.type) {
      case "link-up":
        return this.#onLinkUp(event, now);
      case "link-down":
        return this.#onLinkDown(event, now);
      case "message":
        return this.#onMessage(event, now);
      case "dial-answered":
        return this.#healing.answered(event.address, event.id);
      case "dial-refused":
      case "dial-failed": {
        this.#healing.dialEnded(event.address, "code" in event ? event.code : undefined);
        const peer = this.#dialled(event);
        if (!peer) return;
        this.#state.lists.dialling.delete(peer);
        this.#state.meshChanged = true;
        this.#topology.dialFailed(peer, now);
        if (event.type === "dial-refused") this.#verdicts.dialRefused(peer, now);
        return;
      }
      default:
        event satisfies never;
    }
  }

  #onLinkUp(event: LinkEvent & { type: "link-up" }, now: number): void {
    if (event.id === this.#state.self.id) return;
    const entry = this.#state.directory.get(event.id);
    const over = entry && entry.boot === event.boot && entry.status === "left";
    if (over || (entry && event.boot < entry.boot)) {
      this.#state.out.disconnect(event.id, event.boot, false);
      return;
    }
    const peer = this.#state.peer(event.id, now);
    // A link that this node did not ask for makes no room for another dial.
    if (peer.wanted) this.#state.meshChanged = true;
    this.#state.lists.link(peer, event.boot, now);
    this.#healing.answered(event.address, event.id);
    this.#gossip.greet(peer, now);
    this.#choice.linkUp(peer, now);
    this.#topology.linkUp(peer, now);
    this.#state.want(peer, this.#topology.wants(peer));
  }

  #onLinkDown(event: LinkEvent & { type: "link-down" }, now: number): void {
    const peer = this.#state.peers.get(event.id);
    if (!peer || peer.link !== event.boot) return;
    // Nobody wanted it, and nothing used it: that is no sign of trouble.
    const isIdle = event.reason === "closed" && !peer.wantedHere;
    this.#state.lists.unlink(peer, isIdle);
    this.#state.setNeighbour(peer, false);
    this.#state.meshChanged = true;
    this.#choice.linkDown(peer, now);
    this.#topology.linkDown(peer, now);
    if (peer.doubted) this.#gossip.believe(peer, now);
    this.#gossip.reveal(peer, now);
    this.#verdicts.judgeLost(now);
  }

  #onMessage(event: LinkEvent & { type: "message" }, now: number): void {
    const { from } = event;
    const peer = this.#state.peers.get(from);
    if (!peer || peer.link !== event.boot) return;
    peer.heardAt = now;
    const message = parseMembershipMessage(event.message);
    switch (message?.type) {
      case "updates":
        for (const entry of message.entries) this.#gossip.learn(entry, entry.ageMs, from, now);
        return;
      case "suspect":
        return this.#verdicts.onSuspect(from, message, now);
      case "ping":
        return this.#swim.onPing(from, message, now);
      case "ack":
        return this.#swim.onAck(from, message.seq, now);
      case "ping-req":
        return this.#swim.onPingRequest(from, message, now);
      case "ping-res":
        return this.#swim.onPingResult(message, now);
      case "digest":
        return this.#gossip.onDigest(from, message.buckets, now);
      case "sync":
        return this.#gossip.onSync(from, message, now);
      case "want":
        peer.wantedThere = message.wanted;
        this.#topology.otherSideWants(peer);
        return this.#state.tellWanted(peer);
      case "topology":
        return this.#choice.onRecord(peer, message.record, now);
      case "view":
        this.#topology.onMessage(peer, message.view, now);
        return this.#state.want(peer, this.#topology.wants(peer));
      case undefined:
        return this.#state.out.count("message-malformed");
      default:
        message satisfies never;
    }
  }

  /** Whom a failed dial was meant for, among members without a link. */
  #dialled(event: { readonly id?: NodeId; readonly address: string }): Peer | undefined {
    if (event.id) {
      const peer = this.#state.peers.get(event.id);
      return peer?.link ? undefined : peer;
    }
    for (const peer of this.#state.peers.values()) {
      const entry = this.#state.directory.get(peer.id);
      if (peer.link || !entry || isEnded(entry.status)) continue;
      if (entry.address === event.address) return peer;
    }
    return undefined;
  }

  /** A timer that should have run long ago shows a paused process before anything else does. */
  #noticeLag(now: number): void {
    const lateMs = now - this.#periodDue;
    const { lagVerdictMs, periodMs } = this.#state.times;
    if (lateMs < lagVerdictMs) return;
    this.#held(lateMs, now);
    this.#armPeriod(periodMs, now);
  }

  #armPeriod(delayMs: number, now: number): void {
    this.#periodDue = now + delayMs;
    this.#state.out.setTimer("period", delayMs, now);
  }

  #held(lagMs: number, now: number): void {
    const { health, out, times } = this.#state;
    const judged = health.canJudge(now);
    if (!health.held(lagMs, now)) return;
    out.count("lag");
    // The core's own timer and the shell's measure notice the same pause: one line is enough.
    if (judged) {
      const fields = { lagMs: Math.round(lagMs), graceMs: times.lagGraceMs };
      out.log("warn", "The event loop was held up: nobody is judged for a while", fields);
    }
    for (const peer of this.#state.lists.ending) peer.endingSince = now;
    this.#swim.held();
    this.#verdicts.held(now);
  }

  #drain(now: number): void {
    if (this.#state.self.status !== "alive") return;
    this.#gossip.announceSelf({ status: "draining" }, 0, now);
    this.#state.out.event({ type: "node-draining", node: this.self });
    this.#gossip.flush(now);
  }

  #leave(now: number): void {
    this.#gossip.announceSelf({ status: "left" }, 0, now);
    this.#gossip.flush(now);
    const { out, peers } = this.#state;
    for (const peer of peers.values()) {
      if (peer.link) out.disconnect(peer.id, peer.link, true);
      else if (peer.wanted) out.forget(peer.wanted);
    }
    out.cancelAllTimers();
    this.#ended = true;
  }
}
