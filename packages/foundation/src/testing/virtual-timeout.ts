/** VirtualTimeout: what setTimeout, setInterval and setImmediate give in code of a simulated node. */
import type { Clock, Timer } from "@foundation/core";

/** Timers that were asked for their number, since `clearTimeout` takes it too. A simulation's are forgotten with it. */
const numbered = new Map<number, VirtualTimeout>();
let lastNumber = 0;

/** The simulation is over: none of its timers will run, or be cleared. */
export function forgetNumbers(): void {
  numbered.clear();
}

export class VirtualTimeout {
  readonly #clock: Clock;
  readonly #fn: () => unknown;
  readonly #delayMs: number;
  readonly #repeats: boolean;
  #timer: Timer | undefined;
  #number: number | undefined;
  #hasRef = true;

  constructor(clock: Clock, fn: () => unknown, delayMs: number, repeats: boolean) {
    this.#clock = clock;
    this.#fn = fn;
    // As Node does: what is no delay is the shortest one.
    this.#delayMs = delayMs >= 1 && delayMs <= 0x7fff_ffff ? Math.trunc(delayMs) : 1;
    this.#repeats = repeats;
    this.#arm();
  }

  /** Cancels a timer or the timer of a number; false when it is none of ours. */
  static clear(timer: unknown): boolean {
    const isNumber = typeof timer === "number" || typeof timer === "string";
    const ours = isNumber ? numbered.get(Number(timer)) : timer;
    const found = ours instanceof VirtualTimeout ? ours : undefined;
    found?.close();
    return found !== undefined;
  }

  close(): this {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#forget();
    return this;
  }

  refresh(): this {
    this.#timer?.cancel();
    this.#arm();
    return this;
  }

  ref(): this {
    this.#hasRef = true;
    return this;
  }

  unref(): this {
    this.#hasRef = false;
    return this;
  }

  hasRef(): boolean {
    return this.#hasRef;
  }

  [Symbol.toPrimitive](): number {
    if (this.#number === undefined) {
      // Negative: no number of a real timer.
      lastNumber -= 1;
      this.#number = lastNumber;
      numbered.set(this.#number, this);
    }
    return this.#number;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #arm(): void {
    this.#timer = this.#clock.setTimer(this.#delayMs, () => {
      if (this.#repeats) this.#arm();
      else {
        this.#timer = undefined;
        this.#forget();
      }
      this.#fn();
    });
  }

  #forget(): void {
    if (this.#number !== undefined) numbered.delete(this.#number);
    this.#number = undefined;
  }
}
