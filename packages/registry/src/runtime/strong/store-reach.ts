/**
 * StoreReach: whether the name store answers this node, so that a call on the side that is cut off from it can say why
 * nobody is there, at once.
 *
 * A watch that is cut off says nothing. So the store is asked when a node was lost, and as long as it does not answer.
 */
import type { Timer } from "@foundation/core";
import type { Wiring } from "../wiring.js";

export class StoreReach {
  readonly #wiring: Wiring;
  readonly #ask: (timeoutMs: number) => Promise<unknown>;
  readonly #onBack: () => void;
  #isCut = false;
  #isAsking = false;
  #retry: Timer | undefined;
  #closed = false;

  /** `onBack` is called when the store answers again. */
  constructor(wiring: Wiring, ask: (timeoutMs: number) => Promise<unknown>, onBack: () => void) {
    this.#wiring = wiring;
    this.#ask = ask;
    this.#onBack = onBack;
  }

  /** The last question was not answered in time. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Asks the store, unless it is being asked. */
  probe(): void {
    if (!this.#isAsking && !this.#closed) void this.#probe();
  }

  /** An operation of the store has ended well. */
  answered(): void {
    const wasCut = this.#isCut;
    this.#isCut = false;
    this.#retry?.cancel();
    this.#retry = undefined;
    if (wasCut && !this.#closed) this.#onBack();
  }

  /** An operation of the store has not. */
  failed(): void {
    if (this.#closed) return;
    this.#isCut = true;
    const { clock, limits } = this.#wiring;
    this.#retry ??= clock.setTimer(limits.storeRetryMs, () => {
      this.#retry = undefined;
      this.probe();
    });
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
  }

  async #probe(): Promise<void> {
    const { limits, logger } = this.#wiring;
    this.#isAsking = true;
    try {
      await this.#ask(limits.storeTimeoutMs);
      this.answered();
    } catch (error) {
      if (!this.#isCut) logger.warn("The name store does not answer this node", { error });
      this.failed();
    } finally {
      this.#isAsking = false;
    }
  }
}
