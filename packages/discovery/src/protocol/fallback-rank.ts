/**
 * FallbackRank: which of several ranked strategies is believed, with hysteresis.
 *
 * Pure: what the strategies say and the passing of time go in, effects come out. The best strategy is believed until it
 * has been bad for `stepDownAfterMs`; then the next is started and believed from its first good answer on. The better
 * ones go on looking, and the best that was well for `stepBackAfterMs` is believed again; those below it are stopped.
 *
 * Invariants: there is no instant without a set once there was one: the old set stands until another is good; an answer
 * that names nobody is no good answer; a strategy is left because of what it says, and taken back because of how long
 * it said nothing wrong, so one that comes and goes is not followed to and fro.
 */
import type { Peer } from "@foundation/core";

export type FallbackInput =
  | { readonly type: "begin" }
  /** The strategy of this rank yielded a set. */
  | { readonly type: "set"; readonly rank: number; readonly peers: readonly Peer[] }
  /** It reported a problem, threw or ended. */
  | { readonly type: "problem"; readonly rank: number }
  /** It did something that was no failure: a look that was answered. */
  | { readonly type: "sign"; readonly rank: number }
  | { readonly type: "tick" };

export type FallbackEffect =
  | { readonly type: "start"; readonly rank: number }
  | { readonly type: "stop"; readonly rank: number }
  /** The set on offer, of the strategy that is believed now. */
  | { readonly type: "peers"; readonly peers: readonly Peer[] }
  /** Another strategy is believed from now on. */
  | { readonly type: "stepped"; readonly from: number; readonly to: number }
  /** Ask for a `tick` at that time; replaces an earlier wish. */
  | { readonly type: "timer"; readonly atMs: number };

export interface FallbackTimes {
  readonly stepDownAfterMs: number;
  readonly stepBackAfterMs: number;
}

interface Ranked {
  readonly rank: number;
  /** The last set that named somebody, or the first one of all; `undefined` before. */
  peers: readonly Peer[] | undefined;
  /** Since when it has been in trouble; an answer now and then does not end that, only peace does. */
  badSinceMs: number | undefined;
  /** The first answer since the last problem. */
  wellSinceMs: number | undefined;
  /** Its last word was a problem. */
  isTroubled: boolean;
  isRunning: boolean;
}

/** Decides; see the module. */
export class FallbackRank {
  readonly #all: readonly Ranked[];
  readonly #times: FallbackTimes;
  #believed = 0;

  constructor(count: number, times: FallbackTimes) {
    this.#times = times;
    this.#all = Array.from({ length: count }, (_, rank) => ({
      rank,
      peers: undefined,
      badSinceMs: undefined,
      wellSinceMs: undefined,
      isTroubled: false,
      isRunning: false,
    }));
  }

  /** The rank of the strategy whose set is on offer. */
  get believed(): number {
    return this.#believed;
  }

  /** Takes one input; the effects say what the shell has to do, in this order. */
  handle(input: FallbackInput, nowMs: number): readonly FallbackEffect[] {
    const effects: FallbackEffect[] = [];
    switch (input.type) {
      case "begin":
        this.#start(0, nowMs, effects);
        break;
      case "set":
        this.#take(input.rank, input.peers, nowMs, effects);
        break;
      case "problem":
      case "sign":
        this.#hear(this.#at(input.rank), input.type === "sign", nowMs);
        break;
      case "tick":
        break;
      default:
        input satisfies never;
    }
    this.#forgive(nowMs);
    this.#goOn(nowMs, effects);
    this.#step(nowMs, effects);
    this.#stopBelow(nowMs, effects);
    const atMs = this.#nextMs(nowMs);
    if (atMs !== undefined) effects.push({ type: "timer", atMs });
    return effects;
  }

  #take(rank: number, peers: readonly Peer[], nowMs: number, effects: FallbackEffect[]): void {
    const one = this.#at(rank);
    if (!one.isRunning) return;
    const isGood = peers.length > 0;
    if (!isGood && isNamed(one)) {
      // Where somebody was known, nobody is a failure in the shape of an answer.
      this.#note(one, false, nowMs);
      return;
    }
    const isFirst = one.peers === undefined;
    // What it took to answer at first was no trouble.
    if (isGood && isFirst) one.badSinceMs = undefined;
    // That it answered while it knew nobody is no peace it kept.
    if (isGood && !isNamed(one)) one.wellSinceMs = undefined;
    one.peers = peers;
    one.isTroubled = false;
    // Nobody at all is an answer, too, but not one to rest on: others may know somebody.
    this.#note(one, isGood, nowMs);
    const isOnOffer = rank === this.#believed && (isGood || isFirst);
    if (isOnOffer) effects.push({ type: "peers", peers });
  }

  #hear(one: Ranked, isWell: boolean, nowMs: number): void {
    if (!one.isRunning) return;
    one.isTroubled = !isWell;
    this.#note(one, isWell, nowMs);
  }

  #note(one: Ranked, isWell: boolean, nowMs: number): void {
    if (isWell) {
      one.wellSinceMs ??= nowMs;
      return;
    }
    one.badSinceMs ??= nowMs;
    one.wellSinceMs = undefined;
  }

  /** Trouble is over after as long a peace as it takes to be left. */
  #forgive(nowMs: number): void {
    for (const one of this.#all) {
      if (isWellFor(one, this.#times.stepDownAfterMs, nowMs)) one.badSinceMs = undefined;
    }
  }

  /** Starts the next strategy when all that run have been bad for long, or at once while nothing is known at all. */
  #goOn(nowMs: number, effects: FallbackEffect[]): void {
    const running = this.#all.filter(({ isRunning }) => isRunning);
    const next = this.#all.find(({ isRunning }) => !isRunning);
    if (running.length === 0 || next === undefined) return;
    const isNobodyKnown = !running.some(isNamed);
    const isLost = (one: Ranked): boolean =>
      nowMs >= this.#leaveAtMs(one) || (isNobodyKnown && one.isTroubled);
    if (running.every(isLost)) this.#start(next.rank, nowMs, effects);
  }

  #start(rank: number, nowMs: number, effects: FallbackEffect[]): void {
    const one = this.#at(rank);
    one.isRunning = true;
    one.peers = undefined;
    // Until it has answered it is as good as bad, so that one that says nothing does not end the chain.
    one.badSinceMs = nowMs;
    one.wellSinceMs = undefined;
    one.isTroubled = false;
    effects.push({ type: "start", rank });
  }

  /** When a strategy counts as bad; not while its last word was an answer that names somebody. */
  #leaveAtMs(one: Ranked): number {
    if (one.badSinceMs === undefined) return Number.POSITIVE_INFINITY;
    if (isNamed(one) && one.wellSinceMs !== undefined) return Number.POSITIVE_INFINITY;
    return one.badSinceMs + this.#times.stepDownAfterMs;
  }

  #step(nowMs: number, effects: FallbackEffect[]): void {
    const next = this.#choose(nowMs);
    if (next === undefined) return;
    effects.push({ type: "stepped", from: this.#believed, to: next.rank });
    this.#believed = next.rank;
    effects.push({ type: "peers", peers: next.peers ?? [] });
  }

  /** Whom to believe instead of whom is believed now. */
  #choose(nowMs: number): Ranked | undefined {
    const { stepBackAfterMs, stepDownAfterMs } = this.#times;
    const current = this.#at(this.#believed);
    const isBad = !isNamed(current) || nowMs >= this.#leaveAtMs(current);
    // A better one must have kept the peace, also when the current one is bad: one look of it is no proof.
    const peaceMs = isBad ? stepDownAfterMs : stepBackAfterMs;
    const better = this.#all.find(
      (one) => one.rank < current.rank && one.isRunning && isWellFor(one, peaceMs, nowMs),
    );
    if (better !== undefined || !isBad) return better;
    return this.#all.find((one) => one.rank > current.rank && isUsable(one));
  }

  /** Who is below one that was well for long is not needed. */
  #stopBelow(nowMs: number, effects: FallbackEffect[]): void {
    const { stepBackAfterMs } = this.#times;
    if (!isWellFor(this.#at(this.#believed), stepBackAfterMs, nowMs)) return;
    for (const one of this.#all) {
      if (one.rank <= this.#believed || !one.isRunning) continue;
      one.isRunning = false;
      effects.push({ type: "stop", rank: one.rank });
    }
  }

  /** The next instant at which time alone decides something. */
  #nextMs(nowMs: number): number | undefined {
    const { stepBackAfterMs, stepDownAfterMs } = this.#times;
    const instants = this.#all.flatMap((one) => {
      if (!one.isRunning) return [];
      const { wellSinceMs } = one;
      if (wellSinceMs === undefined) return [this.#leaveAtMs(one)];
      const back = one.rank <= this.#believed ? [wellSinceMs + stepBackAfterMs] : [];
      return [this.#leaveAtMs(one), wellSinceMs + stepDownAfterMs, ...back];
    });
    const later = instants.filter((each) => Number.isFinite(each) && each > nowMs);
    return later.length === 0 ? undefined : later.reduce((a, b) => Math.min(a, b));
  }

  #at(rank: number): Ranked {
    const one = this.#all[rank];
    if (one === undefined) throw new RangeError(`There is no strategy of rank ${rank}`);
    return one;
  }
}

/** True when its last good answer names somebody. */
function isNamed({ peers }: Ranked): boolean {
  return peers !== undefined && peers.length > 0;
}

function isUsable(one: Ranked): boolean {
  return one.isRunning && isNamed(one) && one.wellSinceMs !== undefined;
}

function isWellFor(one: Ranked, peaceMs: number, nowMs: number): boolean {
  return isUsable(one) && nowMs >= (one.wellSinceMs ?? nowMs) + peaceMs;
}
