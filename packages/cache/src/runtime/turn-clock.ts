/**
 * TurnClock: the time as it was when this turn of the event loop first asked. A look at the machine's clock costs as much as
 * a hit; within a turn no message arrives anyway, so nothing that happens elsewhere could be seen sooner.
 */
import type { Clock } from "@foundation/core";

export class TurnClock {
  /**
   * Monotonic milliseconds, or not a number while nobody has asked in this turn: what is compared with it is then neither
   * before nor after, so that a hot path compares first, and asks `now` only where that says no.
   */
  seenMs = Number.NaN;
  readonly #clock: Clock;
  readonly #forget: () => void;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#forget = () => {
      this.seenMs = Number.NaN;
    };
  }

  /** Monotonic milliseconds, as `Clock.now`. */
  now(): number {
    return Number.isNaN(this.seenMs) ? this.#look() : this.seenMs;
  }

  #look(): number {
    this.#clock.endOfTurn(this.#forget);
    return (this.seenMs = this.#clock.now());
  }
}
