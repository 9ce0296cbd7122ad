/** Patience: the time one call has, over as many attempts as fit. Sets no timer: each attempt is a request with its own. */
import { coreErrors, parseDuration } from "@foundation/core";
import type { CacheCallOptions } from "../cache.js";
import type { Ring } from "../protocol/ring.js";
import { ANY_VIEW } from "./standing.js";
import { isPassing, isUnknown, pause, type World } from "./world.js";

export class Patience {
  readonly #world: World;
  readonly #timeoutMs: number;
  readonly #untilMs: number;
  readonly signal: AbortSignal | undefined;

  constructor(world: World, options: CacheCallOptions | undefined, defaultMs: number) {
    this.#world = world;
    const timeout = options?.timeout;
    this.#timeoutMs = timeout === undefined ? defaultMs : parseDuration(timeout, "timeout");
    this.#untilMs = world.clock.now() + this.#timeoutMs;
    this.signal = options?.signal;
  }

  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** The view to name in a message: after a while, in the eventual mode, any. */
  viewOf(ring: Ring, leftMs = this.#untilMs - this.#world.clock.now()): number {
    const { consistency, times } = this.#world;
    const isLong = this.#timeoutMs - leftMs > times.copyMs;
    return isLong && consistency === "eventual" ? ANY_VIEW : ring.number;
  }

  get isOver(): boolean {
    return this.#world.clock.now() >= this.#untilMs;
  }

  /**
   * Attempts something until it succeeds, fails for good, or the time is up. Only what certainly had no effect is
   * attempted again; of reads (`isRead`) everything. `failure`: how the first attempt, made already, has ended.
   */
  async insist<T>(
    attempt: (leftMs: number, signal: AbortSignal | undefined) => Promise<T>,
    isRead = true,
    failure?: unknown,
  ): Promise<T> {
    for (let failed = failure; ; failed = undefined) {
      this.#check();
      try {
        if (failed !== undefined) throw failed as Error;
        const leftMs = Math.max(1, this.#untilMs - this.#world.clock.now());
        return await attempt(leftMs, this.signal);
      } catch (error) {
        const mayRepeat = isPassing(error) || (isRead && isUnknown(error));
        const isAborted = this.signal?.aborted === true;
        if (isRead && isAborted) throw this.#aborted();
        if (!mayRepeat || isAborted || this.#world.closed.aborted) throw error;
        if (this.isOver) throw isRead && isUnknown(error) ? this.#late(error) : error;
      }
      await pause(this.#world, this.#world.times.retryMs);
    }
  }

  /** Waits for something that takes no part in the attempts. @throws {ERR_TIMEOUT} @throws {ERR_ABORTED} */
  until(work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (error?: unknown) => {
        timer.cancel();
        this.signal?.removeEventListener("abort", onAbort);
        if (error === undefined) resolve();
        else reject(error as Error);
      };
      const onAbort = () => end(this.#aborted());
      const { clock } = this.#world;
      const timer = clock.setTimer(Math.max(0, this.#untilMs - clock.now()), () =>
        end(this.#late(undefined)),
      );
      this.signal?.addEventListener("abort", onAbort, { once: true });
      work.then(() => end(), end);
    });
  }

  #check(): void {
    if (this.#world.closed.aborted) {
      const what = this.#world.name;
      throw coreErrors.ERR_CLOSED(`The cache "${what}" is closed on this node`, { what });
    }
    if (this.signal?.aborted === true) throw this.#aborted();
  }

  #aborted(): Error {
    const target = `the cache "${this.#world.name}"`;
    return coreErrors.ERR_ABORTED(`The caller gave up before ${target} answered`, { target });
  }

  #late(cause: unknown): Error {
    const target = `the cache "${this.#world.name}"`;
    return coreErrors.ERR_TIMEOUT(
      `No answer from ${target} within ${this.#timeoutMs} ms; allow more time, or look at the cluster's health`,
      { timeoutMs: this.#timeoutMs, target },
      cause,
    );
  }
}
