/**
 * HyParViewState: what the parts of the protocol share. It holds and answers, it does not decide.
 *
 * Invariants: the two views have nobody in common and never this node itself; every neighbour has a
 * link.
 */
import type { NodeId, Random } from "@foundation/core";
import { assert } from "../assert.js";
import { Absent } from "./absent.js";
import { ActiveView } from "./active-view.js";
import { Outbox } from "./effects.js";
import {
  hyparviewChances,
  hyparviewLimits,
  hyparviewTimes,
  type HyParViewChances,
  type HyParViewLimits,
  type HyParViewTimes,
} from "./limits.js";
import { PassiveView } from "./passive-view.js";
import { Requests } from "./requests.js";

export interface HyParViewOptions {
  readonly self: NodeId;
  readonly random: Random;
  readonly times?: Partial<HyParViewTimes>;
  readonly limits?: Partial<HyParViewLimits>;
  readonly chances?: Partial<HyParViewChances>;
  /** X-BOT: a bounded part of the places goes to near nodes. Needs `roundTripMs`. @default false */
  readonly xbot?: boolean;
  /** The round trip to a node, where it is known. */
  readonly roundTripMs?: (id: NodeId) => number | undefined;
  /**
   * Random live members known from elsewhere, at most `count`. Asked when the passive view has few
   * to offer, and now and then in need and by rotations, so that no island outlives the knowledge of
   * the directory.
   */
  readonly candidates?: (count: number) => readonly NodeId[];
}

export class HyParViewState {
  readonly self: NodeId;
  readonly random: Random;
  readonly times: HyParViewTimes;
  readonly limits: HyParViewLimits;
  readonly chances: HyParViewChances;
  readonly xbot: boolean;
  readonly roundTripMs: (id: NodeId) => number | undefined;
  readonly candidates: ((count: number) => readonly NodeId[]) | undefined;
  readonly out = new Outbox();
  readonly active = new ActiveView();
  readonly passive: PassiveView;
  readonly requests = new Requests();
  readonly absent: Absent;
  readonly linked = new Set<NodeId>();
  now = Number.NEGATIVE_INFINITY;
  /** Whether a free place is to be filled: at once, or after leaving it to others for a moment. */
  vacancy: "none" | "later" | "now" = "none";
  /** A contact has answered the present join; it need not have taken this node itself. */
  isJoined = false;
  /** Rotation has its first chance until then. */
  restlessUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: HyParViewOptions) {
    this.self = options.self;
    this.random = options.random;
    this.times = options.times ? { ...hyparviewTimes, ...options.times } : hyparviewTimes;
    this.limits = options.limits ? { ...hyparviewLimits, ...options.limits } : hyparviewLimits;
    this.chances = options.chances ? { ...hyparviewChances, ...options.chances } : hyparviewChances;
    this.xbot = options.xbot ?? false;
    this.roundTripMs = options.roundTripMs ?? unknownRoundTrip;
    this.candidates = options.candidates;
    const { passiveMax, strikesMax, goneMax, lostMax, activeMax, activeMin } = this.limits;
    assert(activeMin <= activeMax && activeMax > 0 && passiveMax > 0, "views have room");
    this.passive = new PassiveView(this.random, passiveMax, strikesMax);
    this.absent = new Absent(goneMax, lostMax);
  }

  get isFull(): boolean {
    return this.active.size >= this.limits.activeMax;
  }

  /** There are so few neighbours that others must make room. */
  get isNeedy(): boolean {
    return this.active.size < this.limits.activeMin;
  }

  /** True for a node that may be asked to be a neighbour. */
  readonly mayAsk = (id: NodeId): boolean =>
    id !== this.self &&
    !this.active.has(id) &&
    !this.requests.find(id) &&
    !this.absent.has(id, this.now);

  /** Notes a node that somebody offered, or that was a neighbour. */
  learn(id: NodeId, told?: readonly NodeId[], openAtMs?: number): void {
    if (id === this.self || this.active.has(id) || this.passive.has(id)) return;
    if (!this.absent.has(id, this.now)) this.passive.add(id, told, openAtMs);
  }

  /** It is alive but not to be asked for a while. */
  learnResting(id: NodeId): void {
    const openAtMs = this.now + this.times.refusedMs;
    this.passive.forgive(id);
    if (this.passive.has(id)) this.passive.rest(id, openAtMs);
    else this.learn(id, undefined, openAtMs);
  }

  /** Now and then a random member from elsewhere that may be asked, where somebody knows some. */
  drawElsewhere(): NodeId | undefined {
    if (!this.candidates || this.random.next() >= this.chances.elsewhere) return undefined;
    const [id] = this.candidates(1);
    return id !== undefined && this.mayAsk(id) ? id : undefined;
  }

  /** Takes in random members from elsewhere, where somebody knows them. */
  learnElsewhere(): void {
    if (!this.candidates) return;
    for (const id of this.candidates(this.limits.activeMax)) this.learn(id);
  }

  strike(id: NodeId): void {
    this.passive.strike(id, this.now, this.times.strikeMs, this.times.strikeMsMax);
  }

  /** Neighbours and others at random, for a shuffle or as alternatives. A new list. */
  offer(except: NodeId): NodeId[] {
    const { shuffleActive, shufflePassive } = this.limits;
    const ids: NodeId[] = [];
    this.active.sample(this.random, shuffleActive, except, ids);
    this.passive.sample(shufflePassive, except, ids);
    return ids;
  }

  /** The graph around this node may be clustered or cut: rotation mixes it. */
  becomeRestless(): void {
    this.restlessUntilMs = this.now + this.times.restlessMs;
  }

  /** A length drawn around `ms`, so that nodes do not keep time together. */
  jittered(ms: number): number {
    const { jitter } = this.chances;
    return ms * (1 - jitter + 2 * jitter * this.random.next());
  }
}

function unknownRoundTrip(): undefined {
  return undefined;
}
