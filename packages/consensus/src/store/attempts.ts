/**
 * Attempts: one request of an engine, tried until its outcome is known or its time is up.
 *
 * Each attempt ends in one of three ways. It is answered. It certainly was not applied: then it is tried again, if that
 * can help. Or nobody knows: then it is tried again too, since whoever calls here made sure that repeating does no harm.
 * Only when the last attempt ends and an earlier one is unknown, so is the request.
 */
import { coreErrors, parseDuration, type Duration } from "@foundation/core";
import type { Clock } from "@foundation/core/ports";
import type { RequestOptions } from "../engine/engine.js";
import { consensusErrors } from "../errors.js";
import type { GroupRequestOptions } from "../group/group.js";
import { abortedError, closedError } from "./engine-errors.js";
import { ENGINE_TIMES } from "./limits.js";

/** What requests ask of the engine they belong to. */
export interface Owner {
  readonly clock: Clock;
  /** A closed engine begins no request and repeats none. */
  readonly isClosed: boolean;
}

export class Attempts {
  /** True once an attempt of this request may have been applied, now or later. */
  isUncertain = false;
  /** Why the last attempt failed. */
  lastError: unknown;
  readonly #owner: Owner;
  readonly #deadlineMs: number;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  #attemptMs: number = ENGINE_TIMES.attemptMs;

  /** @throws ERR_INVALID_ARGUMENT, ERR_CLOSED, ERR_ABORTED */
  constructor(owner: Owner, options: RequestOptions = {}) {
    this.#owner = owner;
    this.#timeoutMs = parseDuration(
      (options.timeout ?? ENGINE_TIMES.requestMs) as Duration,
      "timeout",
    );
    this.#deadlineMs = owner.clock.now() + this.#timeoutMs;
    this.#signal = options.signal;
    if (owner.isClosed) throw closedError("The engine");
    if (this.#signal?.aborted) throw this.#aborted();
  }

  /**
   * Calls `attempt` until it resolves, or fails for good.
   *
   * @throws ERR_OUTCOME_UNKNOWN when it may have been applied, else why it was not
   */
  async run<Result>(attempt: (options: GroupRequestOptions) => Promise<Result>): Promise<Result> {
    for (;;) {
      const beganMs = this.#owner.clock.now();
      try {
        const timeout = Math.max(1, Math.min(this.#attemptMs, this.#leftMs));
        return await attempt({ signal: this.#signal, timeout });
      } catch (error) {
        this.lastError = error;
        if (coreErrors.ERR_OUTCOME_UNKNOWN.is(error)) this.isUncertain = true;
        if (!this.#canHelp(error)) throw this.#final(error);
      }
      this.#attemptMs = Math.min(2 * this.#attemptMs, ENGINE_TIMES.attemptMsMax);
      await this.#pause(beganMs);
    }
  }

  /**
   * Waits for something that this request needs before it can be sent.
   *
   * @throws ERR_TIMEOUT, ERR_ABORTED, and what the promise rejects with
   */
  async wait<Result>(promise: Promise<Result>): Promise<Result> {
    let onAbort: (() => void) | undefined;
    const late = new Promise<never>((_, reject) => {
      onAbort = () => reject(this.#aborted());
      this.#signal?.addEventListener("abort", onAbort, { once: true });
    });
    const timer = this.#owner.clock.setTimer(Math.max(0, this.#leftMs), () => onTime?.());
    let onTime: (() => void) | undefined;
    const timeUp = new Promise<never>((_, reject) => {
      onTime = () => reject(this.#tooLate());
    });
    try {
      return await Promise.race([promise, late, timeUp]);
    } finally {
      timer.cancel();
      if (onAbort) this.#signal?.removeEventListener("abort", onAbort);
    }
  }

  /**
   * Waits for something that is on its way already, with other requests.
   *
   * @throws ERR_OUTCOME_UNKNOWN when this request's time is up before it is known
   */
  async waitSent<Result>(promise: Promise<Result>): Promise<Result> {
    this.isUncertain = true;
    try {
      return await this.wait(promise);
    } catch (error) {
      const isOurs = coreErrors.ERR_TIMEOUT.is(error) || coreErrors.ERR_ABORTED.is(error);
      throw isOurs ? this.unknown(error) : error;
    }
  }

  /** The error of a request whose last attempt told nothing about an earlier one. */
  unknown(cause: unknown): Error {
    const reason = this.#signal?.aborted === true ? "aborted" : "deadline-exceeded";
    return coreErrors.ERR_OUTCOME_UNKNOWN(
      `A request to the store was sent, and its outcome could not be learnt in ${this.#timeoutMs} ms: ` +
        "it may have been applied, once at most. Read what it would have changed",
      { reason, target: "store" },
      cause,
    );
  }

  get #leftMs(): number {
    return this.#deadlineMs - this.#owner.clock.now();
  }

  #canHelp(error: unknown): boolean {
    if (this.#owner.isClosed || this.#signal?.aborted === true || this.#leftMs <= 0) return false;
    return (
      coreErrors.ERR_OUTCOME_UNKNOWN.is(error) ||
      consensusErrors.ERR_NO_QUORUM.is(error) ||
      coreErrors.ERR_TIMEOUT.is(error) ||
      // What is full now may have room soon, and an unknown outcome is worth the wait.
      (this.isUncertain && coreErrors.ERR_QUEUE_FULL.is(error))
    );
  }

  #final(error: unknown): unknown {
    if (!this.isUncertain) return this.#owner.isClosed ? closedError("The engine") : error;
    return coreErrors.ERR_OUTCOME_UNKNOWN.is(error) ? error : this.unknown(error);
  }

  /** An attempt that failed at once is not repeated at once. */
  async #pause(beganMs: number): Promise<void> {
    const { clock } = this.#owner;
    const waitMs = Math.min(this.#leftMs, beganMs + ENGINE_TIMES.retryMs - clock.now());
    if (waitMs <= 0) return;
    // An abort ends the wait; the next attempt then says so.
    const signal = this.#signal;
    await clock.sleep(waitMs, { signal }).catch(() => undefined);
  }

  #aborted(): Error {
    return abortedError("A request to the store", this.#signal?.reason);
  }

  #tooLate(): Error {
    const timeoutMs = this.#timeoutMs;
    return coreErrors.ERR_TIMEOUT(
      `A request to the store could not be sent in ${timeoutMs} ms: others wait before it, or no ` +
        "session could be opened; nothing was changed. Allow more time, or ask more slowly",
      { timeoutMs, target: "store" },
    );
  }
}
