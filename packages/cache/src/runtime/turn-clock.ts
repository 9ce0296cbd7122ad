/**
 * TurnClock: the time as it was when this turn of the event loop first asked. A look at the machine's clock costs as much as
 * a hit; within a turn no message arrives anyway, so nothing that happens elsewhere could be seen sooner.
 */
import type { Clock } from "@foundation/core";

export class TurnClock {
  readonly #clock: Clock;
  readonly #forget: () => void;
  /** Not a number: not asked in this turn. A number in any case, so that it is read as fast as one. */
  #nowMs = Number.NaN;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#forget = () => {
      this.#nowMs = Number.NaN;
    };
  }

  /** Monotonic milliseconds, as `Clock.now`. */
  now(): number {
    return Number.isNaN(this.#nowMs) ? this.#look() : this.#nowMs;
  }

  #look(): number {
    this.#clock.endOfTurn(this.#forget);
    return (this.#nowMs = this.#clock.now());
  }
}
