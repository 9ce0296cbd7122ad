/**
 * IdleLinks: closes the links to peers that no topology wants, once nothing uses them.
 *
 * Where members have few links, a message to another one opens a link to it. It stays for a while,
 * since who has sent once will send again; then it is closed with everything written, and the next
 * message opens it again. What a lane has counted stays, so nothing is lost or doubled by it.
 *
 * Neither side may close alone: what the other one has just written would be lost, and a request among it would have an
 * unknown outcome between two nodes that are well. So the one that finds the links idle asks (`rest`), and from then on
 * holds back what it has to send; the other one closes them if they are idle there too, which no message can be on its
 * way against any more, or says no. What was held back leaves over the next connection, or over this one.
 *
 * Invariants: links are closed by the side whose other side has promised to write nothing, or has not answered in time;
 * what is held back has not been written.
 *
 * Limits: LINK.idleMs, LINK.unusedMs, LINK.restAnswerMs, LINK.transientMax.
 */
import type { Clock, NodeId, Timer } from "@foundation/core";
import { LINK } from "../limits.js";
import type { Peer } from "./peer.js";

/** What is asked before a link is closed, and how it is. */
export interface LinkUse {
  /** Something waits for the peer, or is waited for. */
  isInUse(peer: Peer): boolean;
  /** Tells the peer: true, that nothing is written any more and it may close; false, that its question is denied. */
  say(peer: Peer, mayRest: boolean): void;
  /** Closes the links of the peer; they open again when they are used. */
  rest(peer: Peer): void;
}

interface Idle {
  /** What its links had been used for when it was last looked at. */
  uses: number;
  /** They were used since nobody wants them; what was counted before is of another time. */
  isUsed: boolean;
  sinceMs: number;
}

/** The peer was asked. */
interface Asked {
  readonly atMs: number;
  /** It has closed; the ends of some connections may be under way. */
  hasClosed: boolean;
}

export class IdleLinks {
  readonly #clock: Clock;
  readonly #use: LinkUse;
  readonly #unwanted = new Map<Peer, Idle>();
  readonly #asked = new Map<Peer, Asked>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(clock: Clock, use: LinkUse) {
    this.#clock = clock;
    this.#use = use;
  }

  /** A side wants the links of the peer, or none does. */
  keep(peer: Peer, isWanted: boolean): void {
    if (isWanted) return void this.#unwanted.delete(peer);
    if (this.#closed || this.#unwanted.has(peer)) return;
    this.#unwanted.set(peer, {
      uses: usesOf(peer),
      isUsed: false,
      sinceMs: this.#clock.now(),
    });
    this.#arm();
  }

  /** The peer asks whether the links may be closed, or says that they may not. */
  received(peer: Peer, mayRest: unknown): void {
    if (mayRest === true) {
      if (!this.#isIdle(peer)) return this.#use.say(peer, false);
      this.#rest(peer);
    } else if (mayRest === false && this.#asked.delete(peer)) {
      const state = this.#unwanted.get(peer);
      if (state) state.sinceMs = this.#clock.now();
      for (const link of peer.links()) link.holdBack(false);
    }
  }

  /** The links of the peer end: it has closed them, or they broke. */
  linkDown(peer: Peer, isClosed: boolean): void {
    const asked = this.#asked.get(peer);
    if (asked === undefined) return;
    // It writes nothing after its end, and what we write now would be lost: each connection waits for its own end.
    if (isClosed) asked.hasClosed = true;
    else this.received(peer, false);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#unwanted.clear();
    this.#asked.clear();
  }

  #arm(): void {
    if (this.#unwanted.size === 0 && this.#asked.size === 0) return;
    this.#timer ??= this.#clock.setTimer(LINK.idleCheckMs, () => {
      this.#timer = undefined;
      const now = this.#clock.now();
      this.#endAsked(now);
      this.#check(now);
      this.#arm();
    });
  }

  #check(now: number): void {
    const idle: { readonly peer: Peer; readonly dueMs: number }[] = [];
    for (const [peer, state] of this.#unwanted) {
      if (peer.gone || peer.coordination?.isUp !== true) {
        this.#unwanted.delete(peer);
        continue;
      }
      if (this.#asked.has(peer)) continue;
      const uses = usesOf(peer);
      if (uses !== state.uses || this.#use.isInUse(peer)) {
        state.uses = uses;
        state.isUsed = true;
        state.sinceMs = now;
      } else {
        const idleMs = state.isUsed ? LINK.idleMs : LINK.unusedMs;
        idle.push({ peer, dueMs: state.sinceMs + idleMs });
      }
    }
    idle.sort((a, b) => a.dueMs - b.dueMs);
    let tooMany = this.#unwanted.size - LINK.transientMax;
    for (const { peer, dueMs } of idle) {
      if (now < dueMs && tooMany <= 0) break;
      tooMany -= 1;
      this.#ask(peer, now);
    }
  }

  #ask(peer: Peer, now: number): void {
    this.#asked.set(peer, { atMs: now, hasClosed: false });
    for (const link of peer.links()) link.holdBack(true);
    this.#use.say(peer, true);
  }

  /** What is not answered, or not ended, is ended here. */
  #endAsked(now: number): void {
    for (const [peer, { atMs, hasClosed }] of this.#asked) {
      if (peer.gone) this.#asked.delete(peer);
      else if (now - atMs < LINK.restAnswerMs) continue;
      else if (!hasClosed) this.#rest(peer);
      else {
        this.#asked.delete(peer);
        const end = { reason: "closed", detail: "nothing used it" } as const;
        for (const link of peer.links()) if (link.isHeldBack) link.disconnect(end);
      }
    }
  }

  #rest(peer: Peer): void {
    this.#asked.delete(peer);
    this.#unwanted.delete(peer);
    this.#use.rest(peer);
  }

  /** Nothing is under way from here. Who has asked as well writes nothing either. */
  #isIdle(peer: Peer): boolean {
    const state = this.#unwanted.get(peer);
    if (state === undefined || this.#use.isInUse(peer)) return false;
    if (this.#asked.has(peer)) return true;
    const isQuiet = this.#clock.now() - state.sinceMs >= LINK.idleCheckMs;
    return isQuiet && usesOf(peer) === state.uses;
  }
}

/** Something of the peer is under way, or waits. */
export function isInUse(
  peer: Peer,
  requests: { isAwaiting(id: NodeId): boolean },
  streams: { isOpen(peer: Peer): boolean },
): boolean {
  if (peer.calls.size > 0 || requests.isAwaiting(peer.id) || streams.isOpen(peer)) return true;
  for (const link of peer.links()) {
    const { queuedBytes, retainedBytes, heldBytes } = link.stats();
    if (link.opening || queuedBytes > 0 || retainedBytes > 0 || heldBytes > 0) return true;
  }
  return false;
}

/**
 * Messages, and channels that were opened: what a channel was opened for is still under way. Membership's messages
 * are not counted: they would keep every link for ever.
 */
function usesOf(peer: Peer): number {
  let uses = 0;
  for (const { counters } of peer.links())
    uses += counters.connections + counters.messagesIn + counters.messagesOut;
  return uses;
}
