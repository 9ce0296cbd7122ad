/**
 * LogTime: the time of a group, which passes by its leader's monotonic clock and is in the log.
 *
 * A member that learns a log time counts on from there by its own clock; when it leads, it stamps
 * what it proposes with that. It learned it later than it was stamped, so its time is behind the
 * time of the leader before, never ahead: what is due at a log time is never due too early, as long
 * as clocks go equally fast. No wall clock is read, so none can jump.
 *
 * Invariant: what is applied carries a time that never falls.
 */
export class LogTime {
  #applied = 0;
  /** What the time was, and when by this member's clock. */
  #known = 0;
  #knownAt: number;

  constructor(now: number) {
    this.#knownAt = now;
  }

  /** The time of the last command that was applied here, milliseconds. */
  get appliedMs(): number {
    return this.#applied;
  }

  /** What a leader stamps a proposal with, milliseconds. */
  at(now: number): number {
    return Math.floor(this.#known + now - this.#knownAt);
  }

  /** A command with this stamp is applied; gives the time that holds for it. */
  applied(stampMs: number, now: number, isLeader: boolean): number {
    this.#applied = Math.max(this.#applied, stampMs);
    // A leader's own commands come back to it later: its time goes on. Another's clock is followed,
    // also backwards, so that differences in rate do not add up.
    if (!isLeader || this.#applied > this.at(now)) this.#learn(this.#applied, now);
    return this.#applied;
  }

  /** The machine was put to a state of this time. */
  restored(timeMs: number, now: number): void {
    this.#applied = timeMs;
    this.#learn(timeMs, now);
  }

  #learn(timeMs: number, now: number): void {
    this.#known = timeMs;
    this.#knownAt = now;
  }
}
