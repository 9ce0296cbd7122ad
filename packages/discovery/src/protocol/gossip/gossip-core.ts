/**
 * GossipCore: who is on the network, from what they say of themselves.
 *
 * Each node says hello when it starts, is answered by those who are there, and repeats itself at an interval that grows
 * with their number. Pure: what was opened comes in, what to send comes out; sealing and replays are the shell's.
 *
 * A datagram that somebody recorded must not bring a dead node back, also not to a node that has just started and
 * remembers nothing. So a session counts only when it is fresh: it named our own session, which did not exist when an old
 * datagram was made, or its wall clock is near ours. Those whose clock is not are named with every word we say, since
 * ours will look as wrong to them. So clocks help where a network carries one way only, and are never needed.
 *
 * Invariants: a set is always whole; a peer is offered at one address, which changes only when it is no longer announced
 * there; at most `sessionsMax` sessions are known; nothing is sent more often than the interval but hellos and answers.
 */
import type { Peer, Random } from "@foundation/core";
import { samePeers, sortedByAddress } from "../peer-union.js";
import type { GossipMessage, Session } from "./gossip-message.js";
import { gossipLimits } from "./limits.js";

export type GossipInput =
  | { readonly type: "start" }
  /** The message was opened and is no repetition. */
  | { readonly type: "heard"; readonly session: Session; readonly message: GossipMessage }
  /** The paths onto the network are others now. */
  | { readonly type: "network" }
  | { readonly type: "draining" }
  | { readonly type: "tick" }
  | { readonly type: "stop" };

/** What to say, to everybody, over every path. */
export interface GossipSend {
  readonly type: "send";
  readonly kind: GossipMessage["type"];
  readonly intervalMs: number;
  readonly draining: boolean;
  readonly greets: readonly Session[];
}

export type GossipEffect =
  | GossipSend
  | { readonly type: "peers"; readonly peers: readonly Peer[] }
  /** The session is over; what still comes of it is too late. */
  | { readonly type: "ended"; readonly session: Session }
  /** Ask for a `tick` at that time; replaces an earlier wish. */
  | { readonly type: "timer"; readonly atMs: number };

interface Known {
  message: GossipMessage;
  address: string;
  addressHeardMs: number;
  expiresAtMs: number;
  /** It named us. */
  hasGreeted: boolean;
  isClockPlausible: boolean;
}

export interface GossipCoreOptions {
  readonly self: Session;
  readonly intervalMs: number;
  /** Jitter only. */
  readonly random: Random;
}

/** The state of one run; see the module. */
export class GossipCore {
  readonly #options: GossipCoreOptions;
  readonly #known = new Map<Session, Known>();
  readonly #greetsWaiting = new Set<Session>();
  #hellosAtMs: number[] = [];
  #beatAtMs = Number.POSITIVE_INFINITY;
  #answerAtMs = Number.POSITIVE_INFINITY;
  #firstSetAtMs = Number.POSITIVE_INFINITY;
  #offered: readonly Peer[] | undefined;
  /** How many of those with another clock were named so far: the next datagram names the next ones. */
  #skewedNamed = 0;
  /** Something of what is offered may be another than before. */
  #isChanged = true;
  #isDraining = false;
  #isStopped = false;

  constructor(options: GossipCoreOptions) {
    this.#options = options;
  }

  /** Sessions that are heard, fresh ones and others. */
  get size(): number {
    return this.#known.size;
  }

  /** Takes one input; the effects say what the shell has to do, in this order. */
  handle(input: GossipInput, nowMs: number, wallMs: number): readonly GossipEffect[] {
    if (this.#isStopped) return [];
    const effects: GossipEffect[] = [];
    switch (input.type) {
      case "start":
        this.#firstSetAtMs = nowMs + gossipLimits.firstSetMs;
        this.#sayHello(nowMs, effects);
        break;
      case "network":
        this.#sayHello(nowMs, effects);
        break;
      case "heard":
        this.#hear(input.session, input.message, nowMs, wallMs, effects);
        break;
      case "draining":
        this.#isDraining = true;
        this.#beat(nowMs, effects);
        break;
      case "tick":
        break;
      case "stop":
        this.#isStopped = true;
        return [this.#send("bye", [])];
      default:
        input satisfies never;
    }
    this.#expire(nowMs);
    this.#sayWhatIsDue(nowMs, effects);
    this.#offer(nowMs, effects);
    effects.push({ type: "timer", atMs: this.#nextAtMs() });
    return effects;
  }

  #sayHello(nowMs: number, effects: GossipEffect[]): void {
    effects.push(this.#send("hello", this.#takeGreets()));
    this.#hellosAtMs = gossipLimits.helloAgainMs.map((afterMs) => nowMs + this.#jittered(afterMs));
    this.#beatAtMs = nowMs + this.#jittered(this.#intervalMs());
  }

  #hear(
    session: Session,
    message: GossipMessage,
    nowMs: number,
    wallMs: number,
    effects: GossipEffect[],
  ): void {
    if (message.type === "bye") {
      this.#forget(session);
      effects.push({ type: "ended", session });
      return;
    }
    const known = this.#known.get(session);
    const skewMs = Math.abs(message.wallMs - wallMs);
    const expiresAtMs = nowMs + message.intervalMs * gossipLimits.missesMax;
    const hasGreeted = message.greets.includes(this.#options.self);
    const isClockPlausible = skewMs <= gossipLimits.plausibleSkewMs;
    if (known === undefined) {
      if (this.#known.size >= gossipLimits.sessionsMax) return;
      const { address } = message;
      const heard = { message, address, addressHeardMs: nowMs, expiresAtMs };
      this.#known.set(session, { ...heard, hasGreeted, isClockPlausible });
      this.#isChanged = true;
      this.#willAnswer(session, nowMs);
      return;
    }
    if (message.type === "hello") this.#willAnswer(session, nowMs);
    const before = { ...known };
    Object.assign(known, { message, expiresAtMs, isClockPlausible });
    known.hasGreeted ||= hasGreeted;
    follow(known, message, nowMs);
    this.#isChanged ||= isOtherOffer(before, known);
  }

  /** Soon, but not all at once: a newcomer that is answered by hundreds in one instant hears few of them. */
  #willAnswer(session: Session, nowMs: number): void {
    if (this.#greetsWaiting.size >= gossipLimits.greetsWaitingMax) return;
    this.#greetsWaiting.add(session);
    const { answerMinMs, answerSpreadPerPeerMs, answerSpreadMsMax } = gossipLimits;
    const spreadMs = Math.min(answerSpreadMsMax, answerSpreadPerPeerMs * this.#known.size);
    const atMs = nowMs + answerMinMs + spreadMs * this.#options.random.next();
    this.#answerAtMs = Math.min(this.#answerAtMs, atMs);
  }

  #expire(nowMs: number): void {
    for (const [session, { expiresAtMs }] of this.#known) {
      if (nowMs >= expiresAtMs) this.#forget(session);
    }
  }

  #forget(session: Session): void {
    this.#isChanged = this.#known.delete(session) || this.#isChanged;
    this.#greetsWaiting.delete(session);
  }

  #sayWhatIsDue(nowMs: number, effects: GossipEffect[]): void {
    const [helloAtMs] = this.#hellosAtMs;
    if (helloAtMs !== undefined && nowMs >= helloAtMs) {
      this.#hellosAtMs.shift();
      // Who was answered in the meantime by everybody who is there needs no second hello, but cannot know that.
      effects.push(this.#send("hello", this.#takeGreets()));
    }
    if (nowMs >= this.#answerAtMs || nowMs >= this.#beatAtMs) this.#beat(nowMs, effects);
  }

  #beat(nowMs: number, effects: GossipEffect[]): void {
    effects.push(this.#send("beat", this.#takeGreets()));
    const { answerMinMs } = gossipLimits;
    this.#answerAtMs =
      this.#greetsWaiting.size > 0 ? nowMs + answerMinMs : Number.POSITIVE_INFINITY;
    this.#beatAtMs = nowMs + this.#jittered(this.#intervalMs());
  }

  #offer(nowMs: number, effects: GossipEffect[]): void {
    if (!this.#isChanged && nowMs < this.#firstSetAtMs) return;
    const peers = this.#fresh();
    this.#isChanged = false;
    if (this.#offered === undefined && peers.length === 0 && nowMs < this.#firstSetAtMs) return;
    this.#firstSetAtMs = Number.POSITIVE_INFINITY;
    if (this.#offered !== undefined && samePeers(peers, this.#offered)) return;
    this.#offered = peers;
    effects.push({ type: "peers", peers });
  }

  #fresh(): readonly Peer[] {
    const peers = new Map<string, Peer>();
    for (const known of this.#known.values()) {
      if (!isFresh(known)) continue;
      const { message, address } = known;
      // Of two sessions at one address the later one is alive: a port has one owner.
      const draining = message.draining ? { draining: true as const } : {};
      peers.set(address, { address, id: message.id, ...draining });
    }
    return sortedByAddress(peers.values());
  }

  /** Newcomers first, then those to whom only our naming them proves that we are not a recording. */
  #takeGreets(): readonly Session[] {
    const greets = [...this.#greetsWaiting].slice(0, gossipLimits.greetsMax);
    for (const session of greets) this.#greetsWaiting.delete(session);
    const skewed = [...this.#known].flatMap(([session, { isClockPlausible }]) =>
      isClockPlausible || greets.includes(session) ? [] : [session],
    );
    const room = Math.min(skewed.length, gossipLimits.greetsMax - greets.length);
    for (let i = 0; i < room; i += 1) {
      greets.push(skewed[(this.#skewedNamed + i) % skewed.length] as Session);
    }
    this.#skewedNamed += room;
    return greets;
  }

  #send(kind: GossipMessage["type"], greets: readonly Session[]): GossipSend {
    const intervalMs = this.#intervalMs();
    return { type: "send", kind, intervalMs, draining: this.#isDraining, greets };
  }

  /** The more nodes, the more rarely each speaks; together they stay near `heartbeatsPerSecond`. */
  #intervalMs(): number {
    const { heartbeatsPerSecond, intervalMsMax } = gossipLimits;
    const sharedMs = ((this.#known.size + 1) * 1_000) / heartbeatsPerSecond;
    return Math.min(intervalMsMax, Math.max(this.#options.intervalMs, sharedMs));
  }

  #jittered(ms: number): number {
    return ms * (0.75 + this.#options.random.next() / 2);
  }

  #nextAtMs(): number {
    let atMs = Math.min(this.#beatAtMs, this.#answerAtMs, this.#firstSetAtMs);
    atMs = Math.min(atMs, this.#hellosAtMs[0] ?? atMs);
    for (const { expiresAtMs } of this.#known.values()) atMs = Math.min(atMs, expiresAtMs);
    return atMs;
  }
}

/** A node is announced once over each path: the first address stays until nothing more is heard of it. */
function follow(known: Known, { address, intervalMs }: GossipMessage, nowMs: number): void {
  if (address === known.address || nowMs - known.addressHeardMs > 2 * intervalMs) {
    known.address = address;
    known.addressHeardMs = nowMs;
  }
}

function isFresh({ hasGreeted, isClockPlausible }: Known): boolean {
  return hasGreeted || isClockPlausible;
}

function isOtherOffer(a: Known, b: Known): boolean {
  const isOtherWord = a.address !== b.address || a.message.draining !== b.message.draining;
  return isOtherWord || isFresh(a) !== isFresh(b) || a.message.id !== b.message.id;
}
