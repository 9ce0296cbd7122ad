/**
 * LeaseKeeper: keeps one lease by renewing it, and knows until when it may be believed.
 *
 * The engine lets a lease live for its time to live from when it *received* a renewal, so a holder that counts from when
 * it *sent* the last one that was answered believes for no longer than the engine does. Only the monotonic clock counts;
 * a small part of the time is given up because two clocks do not tick alike.
 *
 * Invariants: once lost it stays lost, also if an answer comes late; `isAlive` is false from the deadline on even while
 * no timer could run (a process that was paused finds it false at once when it wakes); one renewal is under way at most.
 */
import { coreErrors } from "@foundation/core";
import type { Clock, Logger, Timer } from "@foundation/core/ports";
import type { Engine, Lease } from "../../engine/engine.js";
import { RECIPE_TIMES } from "../limits.js";

export class LeaseKeeper {
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #lost = new AbortController();
  readonly id: string;
  readonly ttlMs: number;
  #deadlineMs: number;
  #renewal: Promise<void> | undefined;
  #nextRenewal: Timer | undefined;
  #deadlineTimer: Timer | undefined;

  /** @param sentAtMs of the monotonic clock, when the request that brought the lease was sent */
  constructor(
    { engine, clock, logger }: { engine: Engine; clock: Clock; logger: Logger },
    lease: Lease,
    sentAtMs: number,
  ) {
    this.#engine = engine;
    this.#clock = clock;
    this.#logger = logger;
    this.id = lease.id;
    this.ttlMs = lease.ttlMs;
    this.#deadlineMs = this.#deadlineFrom(sentAtMs, lease.ttlMs);
  }

  /** Fires with `ERR_LEASE_LOST` when the lease may not be believed any more. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  get isAlive(): boolean {
    return !this.signal.aborted && this.remainingMs > 0;
  }

  /** How long it may be believed without another renewal; 0 when it is lost. */
  get remainingMs(): number {
    return this.signal.aborted ? 0 : Math.max(0, this.#deadlineMs - this.#clock.now());
  }

  /** Renews from now on, until `stop`. */
  start(): void {
    if (this.signal.aborted) return;
    this.stop();
    this.#watchDeadline();
    this.#scheduleRenewal(this.remainingMs - this.ttlMs * (1 - RECIPE_TIMES.renewPart));
  }

  /** Renews no more: without users the lease may end by itself. */
  stop(): void {
    this.#nextRenewal?.cancel();
    this.#deadlineTimer?.cancel();
  }

  /** Renews now. Resolves when the renewal under way has ended, well or not: see `isAlive`. */
  renew(): Promise<void> {
    if (!this.isAlive) return Promise.resolve();
    this.#renewal ??= this.#renewOnce().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  /** Gives it up: nobody may believe it from now on. */
  lose(why: string, cause?: unknown): void {
    if (this.signal.aborted) return;
    this.stop();
    const message =
      `The lease ${this.id} is lost: ${why}. What it protected may be another's by now: ` +
      "stop that work, and acquire anew to go on";
    this.#lost.abort(coreErrors.ERR_LEASE_LOST(message, { lease: this.id }, cause));
  }

  async #renewOnce(): Promise<void> {
    const sentAtMs = this.#clock.now();
    this.#nextRenewal?.cancel();
    try {
      const timeout = Math.max(1, this.ttlMs * RECIPE_TIMES.renewPart);
      const { ttlMs } = await this.#engine.keepLease(this.id, { timeout });
      this.#renewed(sentAtMs, ttlMs);
    } catch (error) {
      this.#notRenewed(error);
    }
  }

  #renewed(sentAtMs: number, ttlMs: number): void {
    if (this.signal.aborted) return;
    // The answer came when nobody might believe the lease any more: to revive it would be to have been two.
    if (this.remainingMs === 0) return this.#lapse();
    this.#deadlineMs = Math.max(this.#deadlineMs, this.#deadlineFrom(sentAtMs, ttlMs));
    this.start();
  }

  #notRenewed(error: unknown): void {
    if (this.signal.aborted) return;
    if (coreErrors.ERR_LEASE_LOST.is(error)) {
      return this.lose("the store does not have it any more", error);
    }
    if (this.remainingMs === 0) return this.#lapse();
    const details = { lease: this.id, remainingMs: this.remainingMs, error };
    this.#logger.warn("a lease could not be renewed yet", details);
    this.#scheduleRenewal(this.ttlMs * RECIPE_TIMES.renewRetryPart);
  }

  #scheduleRenewal(delayMs: number): void {
    this.#nextRenewal?.cancel();
    this.#nextRenewal = this.#clock.setTimer(Math.max(0, delayMs), () => void this.renew());
  }

  #watchDeadline(): void {
    this.#deadlineTimer = this.#clock.setTimer(this.remainingMs, () => {
      if (this.remainingMs > 0) this.#watchDeadline();
      else this.#lapse();
    });
  }

  #lapse(): void {
    this.lose(`no renewal was answered within its ${this.ttlMs} ms`);
  }

  #deadlineFrom(sentAtMs: number, ttlMs: number): number {
    return sentAtMs + ttlMs * (1 - RECIPE_TIMES.driftPart);
  }
}
