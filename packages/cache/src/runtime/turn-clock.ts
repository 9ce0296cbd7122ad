/**
 * TurnClock: the time as it was when this turn of the event loop first asked. A look at the machine's clock costs as much as
 * a hit; within a turn no message arrives anyway, so nothing that happens elsewhere could be seen sooner.
 */
import type { Clock } from "@foundation/core";

export class TurnClock {
  readonly #clock: Clock;
  readonly #forget: () => void;
  #nowMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#forget = () => {
      this.#nowMs = undefined;
    };
  }

  /** Monotonic milliseconds, as `Clock.now`. */
  now(): number {
    return this.#nowMs ?? this.#look();
  }

  #look(): number {
    this.#clock.endOfTurn(this.#forget);
    return (this.#nowMs = this.#clock.now());
  }
}
