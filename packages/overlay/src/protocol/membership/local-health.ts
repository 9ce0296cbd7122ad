/**
 * LocalHealth: how far this node should trust its own judgement of others (Lifeguard, arXiv
 * 1707.00788, section 3).
 *
 * A node that misses answers, is suspected itself or whose event loop is held up is probably the
 * slow one: its probes wait longer by the factor 1 + score. After a long hold-up (a paused process,
 * a blocking call) it gives no verdicts until it has read what waited in its sockets.
 *
 * Invariant: 0 <= score <= `localHealthMax`.
 */
import { membershipLimits as limits, membershipTimes as times } from "./limits.js";

export class LocalHealth {
  #score = 0;
  #judgesFrom = Number.NEGATIVE_INFINITY;

  get score(): number {
    return this.#score;
  }

  /** All waiting for answers is multiplied by this. */
  get patience(): number {
    return 1 + this.#score;
  }

  /** Evidence that this node itself is slow or badly connected. */
  worse(): void {
    this.#score = Math.min(limits.localHealthMax, this.#score + 1);
  }

  /** A probe of ours was answered directly. */
  better(): void {
    this.#score = Math.max(0, this.#score - 1);
  }

  /** The event loop was held up. Returns true when that is long enough to withhold verdicts. */
  held(lagMs: number, now: number): boolean {
    if (lagMs < times.lagNoticeMs) return false;
    this.worse();
    if (lagMs < times.lagVerdictMs) return false;
    this.#judgesFrom = now + times.lagGraceMs;
    return true;
  }

  /** False while verdicts are withheld. */
  canJudge(now: number): boolean {
    return now >= this.#judgesFrom;
  }

  /** Milliseconds until verdicts are given again; 0 when they are. */
  heldForMs(now: number): number {
    return Math.max(0, this.#judgesFrom - now);
  }
}
