/**
 * HealthChecks: asks one instance of this node, again and again, whether it is well.
 *
 * Invariants: one check at a time; one that has not answered in time has failed, and while it still has not answered,
 * no other is begun and each round counts as failed; after `close` nothing is told.
 */
import type { Clock, Random, Timer } from "@foundation/core";
import type { HealthAnswer } from "./services.js";

/** What a check said. */
export interface HealthWord {
  readonly healthy: boolean;
  readonly note: string | undefined;
}

/** When it is asked, in milliseconds. */
export interface HealthTimes {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** The rounds of an instance are spread by this share, so that those of one start drift apart. */
const JITTER = 0.1;

export class HealthChecks {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #times: HealthTimes;
  readonly #check: () => HealthAnswer | Promise<HealthAnswer>;
  readonly #tell: (word: HealthWord) => void;
  #isAsking = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(
    runtime: { readonly clock: Clock; readonly random: Random },
    times: HealthTimes,
    check: () => HealthAnswer | Promise<HealthAnswer>,
    tell: (word: HealthWord) => void,
  ) {
    this.#clock = runtime.clock;
    this.#random = runtime.random;
    this.#times = times;
    this.#check = check;
    this.#tell = tell;
    this.#round();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  #round(): void {
    const { timeoutMs } = this.#times;
    const late = { healthy: false, note: `it has not answered within ${timeoutMs} ms` };
    if (this.#isAsking) return this.#end(late);
    let isOpen = true;
    const end = (word: HealthWord): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#end(word);
    };
    this.#timer = this.#clock.setTimer(timeoutMs, () => end(late));
    void this.#ask().then(end);
  }

  /** Never rejects. */
  async #ask(): Promise<HealthWord> {
    this.#isAsking = true;
    try {
      return wordOf(await this.#check());
    } catch (error) {
      return { healthy: false, note: error instanceof Error ? error.message : String(error) };
    } finally {
      this.#isAsking = false;
    }
  }

  #end(word: HealthWord): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    const { intervalMs } = this.#times;
    const spreadMs = intervalMs * JITTER * (2 * this.#random.next() - 1);
    this.#timer = this.#clock.setTimer(intervalMs + spreadMs, () => this.#round());
    this.#tell(word);
  }
}

/** Whatever a check gives: anything but `true` or `{ healthy: true }` is not well. */
function wordOf(answer: unknown): HealthWord {
  if (typeof answer !== "object" || answer === null)
    return { healthy: answer === true, note: undefined };
  const { healthy, note } = answer as { readonly healthy?: unknown; readonly note?: unknown };
  return { healthy: healthy === true, note: typeof note === "string" ? note : undefined };
}
