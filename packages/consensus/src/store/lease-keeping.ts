/**
 * LeaseKeeping: renewals of many leases in few commands.
 *
 * A member with a thousand locks renews a thousand leases, several times in each one's life. Renewals that are asked for
 * in one turn go into one command; asking for the same lease twice is once.
 */
import type { Clock } from "@foundation/core/ports";
import type { LeaseId } from "../engine/engine.js";

/** Renews leases: their times to live in the order given, 0 for one that is not there. */
type Keep = (leases: readonly LeaseId[]) => Promise<readonly number[]>;

interface Waiting {
  readonly promise: Promise<number>;
  resolve(ttlMs: number): void;
  reject(error: unknown): void;
}

export class LeaseKeeping {
  readonly #clock: Clock;
  readonly #keep: Keep;
  /** Leases in one command at most. */
  readonly #batchMax: () => number;
  readonly #flush = () => void this.#send();
  #waiting = new Map<LeaseId, Waiting>();
  #isScheduled = false;

  constructor(clock: Clock, batchMax: () => number, keep: Keep) {
    this.#clock = clock;
    this.#batchMax = batchMax;
    this.#keep = keep;
  }

  /** Resolves to the time to live that begins again, 0 when the lease is not there. */
  renew(lease: LeaseId): Promise<number> {
    let waiting = this.#waiting.get(lease);
    if (!waiting) {
      waiting = newWaiting();
      this.#waiting.set(lease, waiting);
    }
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      this.#clock.endOfTurn(this.#flush);
    }
    return waiting.promise;
  }

  async #send(): Promise<void> {
    const batch = [...this.#waiting].slice(0, this.#batchMax());
    for (const [lease] of batch) this.#waiting.delete(lease);
    // What is asked for from here on was sent later, so it needs a command of its own.
    this.#isScheduled = this.#waiting.size > 0;
    if (this.#isScheduled) this.#clock.endOfTurn(this.#flush);
    try {
      const ttlsMs = await this.#keep(batch.map(([lease]) => lease));
      for (const [i, [, waiting]] of batch.entries()) waiting.resolve(ttlsMs[i] ?? 0);
    } catch (error) {
      for (const [, waiting] of batch) waiting.reject(error);
    }
  }
}

function newWaiting(): Waiting {
  let resolve: Waiting["resolve"] = () => undefined;
  let reject: Waiting["reject"] = () => undefined;
  const promise = new Promise<number>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
