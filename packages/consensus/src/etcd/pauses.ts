/** Pauses: between tries of one thing, each about twice as long as the one before. */
import type { Random } from "@foundation/core/ports";
import type { EtcdTimes } from "./limits.js";
import type { Scope } from "./scope.js";

export class Pauses {
  readonly #random: Random;
  readonly #firstMs: number;
  readonly #lastMs: number;
  #nextMs: number;

  constructor({ retryMs, retryMsMax }: EtcdTimes, random: Random) {
    this.#random = random;
    this.#firstMs = retryMs;
    this.#lastMs = retryMsMax;
    this.#nextMs = retryMs;
  }

  /** Between a half and all of it, by chance, so that many clients do not come back at once. */
  async next(scope: Scope): Promise<void> {
    const pauseMs = this.#nextMs * (0.5 + this.#random.next() / 2);
    this.#nextMs = Math.min(this.#lastMs, this.#nextMs * 2);
    await scope.pause(pauseMs);
  }

  /** It went well: the next one is short again. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
