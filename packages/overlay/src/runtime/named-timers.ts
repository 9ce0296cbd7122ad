/** NamedTimers: the timers of a pure core: set by name, where one of the same name is pending it is replaced. */
import type { Clock, Timer } from "@foundation/core";

export class NamedTimers {
  readonly #clock: Clock;
  readonly #fire: (name: string) => void;
  readonly #pending = new Map<string, Timer>();

  /** @param fire called with a name when its time has come */
  constructor(clock: Clock, fire: (name: string) => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  set(name: string, delayMs: number): void {
    this.#pending.get(name)?.cancel();
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#pending.delete(name);
      this.#fire(name);
    });
    this.#pending.set(name, timer);
  }

  cancel(name: string): void {
    this.#pending.get(name)?.cancel();
    this.#pending.delete(name);
  }

  close(): void {
    for (const timer of this.#pending.values()) timer.cancel();
    this.#pending.clear();
  }
}
