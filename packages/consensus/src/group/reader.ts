/**
 * Reader: the reads of this member: confirmed by a quorum, then answered once the machine is there.
 *
 * The core counts a snapshot as applied when it takes it over, the machine only once it is loaded; so
 * what the core calls ready waits here for the machine.
 */
import type { Deadlines } from "@foundation/core";
import type { GroupLimits, GroupTimes } from "../limits.js";
import type { ReadOutcome } from "../protocol/raft/inputs.js";
import type { Driver } from "./driver.js";
import { aborted, noQuorum, readTimedOut, tooManyRequests } from "./group-errors.js";
import type { GroupRequestOptions } from "./group.js";
import { timeoutMsOf, Waiter, type WaiterOwner } from "./waiter.js";

export interface ReaderParts {
  readonly group: string;
  readonly deadlines: Deadlines;
  readonly driver: Driver;
  readonly limits: GroupLimits;
  readonly times: GroupTimes;
  /** What the machine holds; undefined while a snapshot is loaded. */
  appliedIndex(): number | undefined;
}

class Read extends Waiter<number> {
  id = 0;
  /** The machine must hold this; undefined before it is confirmed. */
  index: number | undefined;
}

export class Reader implements WaiterOwner<Read> {
  readonly #parts: ReaderParts;
  readonly #reads = new Map<number, Read>();
  /** Confirmed, and the machine is not there. */
  readonly #confirmed = new Set<Read>();

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#reads.size;
  }

  read({ timeout, signal }: GroupRequestOptions): Promise<number> {
    const { group, deadlines, driver, limits, times } = this.#parts;
    const timeoutMs = timeoutMsOf(timeout, times.requestMs);
    if (signal?.aborted === true) return Promise.reject(aborted(group, signal.reason));
    if (this.#reads.size >= limits.requestsMax) {
      return Promise.reject(tooManyRequests(group, limits.requestsMax, "messages"));
    }
    const owner = this as WaiterOwner<Read>;
    const read = new Read(deadlines, timeoutMs, signal, owner as WaiterOwner<Waiter<number>>);
    read.id = driver.nextRequest();
    this.#reads.set(read.id, read);
    driver.feed({ type: "read", id: read.id });
    return read.promise;
  }

  outcome(outcome: ReadOutcome): void {
    const { group, limits } = this.#parts;
    const read = this.#reads.get(outcome.id);
    if (!read) return;
    if (outcome.type === "refused") {
      this.#forget(read);
      const isBusy = outcome.reason === "busy";
      const full = tooManyRequests(group, limits.requestsMax, "messages");
      read.reject(isBusy ? full : noQuorum(group, read.waitedMs));
      return;
    }
    read.index = outcome.index;
    this.#confirmed.add(read);
    this.release();
  }

  /** The machine may have come further. */
  release(): void {
    if (this.#confirmed.size === 0) return;
    const applied = this.#parts.appliedIndex();
    if (applied === undefined) return;
    for (const read of this.#confirmed) {
      if ((read.index ?? Infinity) > applied) continue;
      this.#forget(read);
      read.resolve(applied);
    }
  }

  end(error: Error): void {
    for (const read of [...this.#reads.values()]) {
      this.#forget(read);
      read.reject(error);
    }
  }

  expired(read: Read): void {
    const { group } = this.#parts;
    this.#forget(read);
    // Whatever a quorum says, this machine is not there.
    const isBehind = read.index !== undefined || this.#parts.appliedIndex() === undefined;
    read.reject(isBehind ? readTimedOut(group, read.waitedMs) : noQuorum(group, read.waitedMs));
  }

  aborted(read: Read): void {
    this.#forget(read);
    read.reject(aborted(this.#parts.group, read.signal?.reason));
  }

  #forget(read: Read): void {
    this.#reads.delete(read.id);
    this.#confirmed.delete(read);
  }
}
