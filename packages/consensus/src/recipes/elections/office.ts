/**
 * Office: asks a candidate what to do whenever something has changed or a moment has come, and has it do one thing at a
 * time.
 *
 * Invariant: while a write is under way nothing is asked; what changed meanwhile is looked at when it has ended.
 */
import type { Clock, Timer } from "@foundation/core/ports";
import { RECIPE_TIMES } from "../limits.js";

/** What is to be done: nothing, look again later, write something, or leave. */
export type Step =
  | { readonly type: "idle" }
  | { readonly type: "sleep"; readonly untilMs: number }
  | { readonly type: "write"; readonly run: () => Promise<void> }
  | { readonly type: "out" };

export class Office {
  readonly #clock: Clock;
  readonly #decide: () => Step;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  /** Something has changed while a write was under way. */
  #isStale = false;
  #isClosed = false;
  isOut = false;

  constructor(clock: Clock, decide: () => Step) {
    this.#clock = clock;
    this.#decide = decide;
  }

  look(): void {
    this.#timer?.cancel();
    if (this.#writing) this.#isStale = true;
    if (this.#writing || this.#isClosed) return;
    const step = this.#decide();
    if (step.type === "out") this.isOut = true;
    else if (step.type === "write") this.#write(step.run);
    else if (step.type === "sleep") this.#lookIn(step.untilMs - this.#clock.now());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#writing;
  }

  #write(run: () => Promise<void>): void {
    this.#isStale = false;
    this.#writing = run().finally(() => {
      this.#writing = undefined;
      // What was written comes through the watch, if it is not there yet; without it, it is tried again.
      if (this.#isStale) this.look();
      else if (!this.#isClosed) this.#lookIn(RECIPE_TIMES.retryMsMax);
    });
  }

  #lookIn(delayMs: number): void {
    this.#timer = this.#clock.setTimer(Math.max(0, delayMs), () => this.look());
  }
}
