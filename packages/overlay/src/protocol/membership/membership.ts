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
import { assert } from "../assert.js";
import { Comparison } from "./comparison.js";
import { Dials } from "./dials.js";
import type { MembershipEffect, MembershipInput } from "./effects.js";
import { memberOf, type DirectoryEntry } from "./entry.js";
import { explain, type PeerExplanation } from "./explanation.js";
import { Gossip } from "./gossip.js";
import { Healing } from "./healing.js";
import { LinkInputs } from "./link-inputs.js";
import { membershipTimes, type MembershipTimes } from "./limits.js";
import { MembershipState, type LastHeard } from "./state.js";
import { News } from "./news.js";
import { Strays } from "./strays.js";
import { Swim } from "./swim.js";
import type { ClientLinks } from "./topology.js";
import { TopologyInUse } from "./topology-in-use.js";
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

export class MembershipCore {
  readonly #state: MembershipState;
  readonly #view: MembershipView;
  readonly #news: News;
  readonly #comparison: Comparison;
  readonly #gossip: Gossip;
  readonly #verdicts: Verdicts;
  readonly #swim: Swim;
  readonly #topology: TopologyInUse;
  readonly #healing: Healing;
  readonly #links: LinkInputs;
  readonly #strays: Strays;
  #now = Number.NEGATIVE_INFINITY;
  /** When the next period is due: every input asks. */
  #periodDue = Number.POSITIVE_INFINITY;
  #ended = false;

  constructor(options: MembershipCoreOptions) {
    const self: DirectoryEntry = { ...options.self, incarnation: 0, status: "alive" };
    const { random, lastHeard = () => undefined, times = membershipTimes } = options;
    this.#state = new MembershipState(self, random, lastHeard, times);
    this.#state.onLiveness = (peer, isLive) =>
      this.#topology.present.livenessChanged(peer, isLive, this.#now);
    this.#view = new MembershipView(this.#state);
    this.#news = new News(this.#state);
    this.#comparison = new Comparison(this.#state);
    this.#gossip = new Gossip(this.#state, this.#news, (peer, entry, from, now) => {
      this.#verdicts.learned(peer, entry, from, now);
    });
    this.#state.onGrowth = (now) => this.#comparison.grown(now);
    this.#verdicts = new Verdicts(this.#state, this.#gossip);
    this.#swim = new Swim(this.#state, this.#gossip, this.#verdicts);
    this.#topology = new TopologyInUse(this.#state, options.topology ?? "auto");
    this.#healing = new Healing(this.#state);
    this.#strays = new Strays(this.#state, new Dials(this.#state));
    this.#verdicts.onAccused = (peer) => this.#strays.accused(peer);
    this.#links = new LinkInputs(this.#state, {
      gossip: this.#gossip,
      comparison: this.#comparison,
      verdicts: this.#verdicts,
      swim: this.#swim,
      healing: this.#healing,
      strays: this.#strays,
      topology: this.#topology,
    });
  }

  get self(): Member {
    return memberOf(this.#state.self);
  }

  get topology(): TopologyName {
    return this.#topology.present.name;
  }

  /** The topology follows the size of the cluster. */
  get isAutomatic(): boolean {
    return !this.#topology.choice.isPinned;
  }

  /** Who is a client where members are; undefined in the other topologies. */
  get clients(): ClientLinks | undefined {
    return this.#topology.present.clients;
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

  /** How long this node may take to open a link to a member by itself; 0: it is not about to. */
  linkComesWithinMs(id: NodeId, now: number): number {
    const peer = this.#state.peers.get(id);
    return (peer && this.#topology.present.comesWithinMs?.(peer, now)) ?? 0;
  }

  /** What is known of another node and the link to it. */
  explain(id: NodeId, now: number): PeerExplanation {
    return explain(this.#state, this.topology, id, now);
  }

  report(now: number): MembershipReport {
    const report = this.#view.report(now);
    return this.#ended ? { ...report, members: 0 } : report;
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
      this.#topology.changed(now);
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
        this.#links.handle(input, now);
        return this.#gossip.flush(now);
      case "discovered":
        return this.#healing.discovered(input.addresses, now);
      case "lag":
        return this.#held(input.lagMs, now);
      case "switch":
        return this.#topology.choice.switchTo(input.to, now);
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
        this.#comparison.withSome(1, now);
        break;
      case "heal":
        out.setTimer("heal", times.healIntervalMs, now);
        this.#healing.attempt();
        this.#strays.onTimer();
        break;
      case "growth":
        this.#comparison.onGrowthTimer(now);
        break;
      case "seeds":
        this.#healing.dialSeeds(now);
        break;
      case "news":
        this.#news.tellNewcomers(now);
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
        this.#topology.present.onTimer(timer.slice("view:".length), now);
        break;
      case "choice":
        this.#topology.choice.onTimer(subject, now);
        break;
    }
    this.#gossip.flush(now);
  }

  #period(now: number): void {
    for (const peer of [...this.#state.lists.ending]) this.#gossip.reveal(peer, now);
    this.#swim.tick(now);
    this.#verdicts.judgeLost(now);
    this.#state.meshChanged = true;
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
