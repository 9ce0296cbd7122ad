/**
 * ReplayGuard: no sealed datagram is taken twice.
 *
 * Each start of a node is a session with a random name, whose datagrams carry a counter that only grows. The window is
 * IPsec's (RFC 4303 §3.4.3): the highest counter seen and one bit for each of the 64 before it, so datagrams may
 * overtake each other. Pure. Call it only with what was opened, or strangers move the window.
 *
 * Invariants: at most `sessionsMax` sessions are known, the one unheard for longest is forgotten first; an ended
 * session stays ended as long as it is known.
 */
import { assert } from "../assert.js";
import { gossipLimits } from "./limits.js";

interface Window {
  highest: number;
  /** Bit i: `highest - i` was seen. */
  seen: bigint;
}

const ALL = (1n << BigInt(gossipLimits.replayWindow)) - 1n;

/** Tells new datagrams from repeated ones; see the module. */
export class ReplayGuard {
  readonly #sessions = new Map<string, Window>();

  /** Sessions that are known. */
  get size(): number {
    return this.#sessions.size;
  }

  /** True the first time; false for a repetition, for one too old to tell, and after the session's end. */
  accept(session: string, counter: number): boolean {
    assert(Number.isSafeInteger(counter) && counter >= 0, "a counter is a whole number");
    const window = this.#touch(session);
    const ahead = counter - window.highest;
    if (ahead > 0) {
      const shifted = ahead >= gossipLimits.replayWindow ? 0n : window.seen << BigInt(ahead);
      window.seen = (shifted & ALL) | 1n;
      window.highest = counter;
      return true;
    }
    if (-ahead >= gossipLimits.replayWindow) return false;
    const bit = 1n << BigInt(-ahead);
    if ((window.seen & bit) !== 0n) return false;
    window.seen |= bit;
    return true;
  }

  /** The node said goodbye: what of its session is still on the way comes too late. */
  end(session: string): void {
    const window = this.#touch(session);
    window.highest = Number.MAX_SAFE_INTEGER;
    window.seen = ALL;
  }

  #touch(session: string): Window {
    const window = this.#sessions.get(session) ?? { highest: -1, seen: 0n };
    this.#sessions.delete(session);
    this.#sessions.set(session, window);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > gossipLimits.sessionsMax && oldest !== undefined) {
      this.#sessions.delete(oldest);
    }
    return window;
  }
}
