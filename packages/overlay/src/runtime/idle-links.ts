/**
 * IdleLinks: closes the links to peers that no topology wants, once nothing uses them.
 *
 * Where members have few links, a message to another one opens a link to it. It stays for a while,
 * since who has sent once will send again; then it is closed with everything written, and the next
 * message opens it again. What a lane has counted stays, so nothing is lost or doubled by it.
 *
 * Limits: LINK.idleMs, LINK.unusedMs, LINK.transientMax.
 */
import type { Clock, NodeId, Timer } from "@foundation/core";
import { LINK } from "../limits.js";
import type { Peer } from "./peer.js";

/** What is asked before a link is closed, and how it is. */
export interface LinkUse {
  /** Something waits for the peer, or is waited for. */
  isInUse(peer: Peer): boolean;
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

export class IdleLinks {
  readonly #clock: Clock;
  readonly #use: LinkUse;
  readonly #unwanted = new Map<Peer, Idle>();
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

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#unwanted.clear();
  }

  #arm(): void {
    if (this.#unwanted.size === 0) return;
    this.#timer ??= this.#clock.setTimer(LINK.idleCheckMs, () => {
      this.#timer = undefined;
      this.#check(this.#clock.now());
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
      this.#unwanted.delete(peer);
      this.#use.rest(peer);
    }
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
