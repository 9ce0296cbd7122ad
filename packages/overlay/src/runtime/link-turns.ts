/**
 * LinkTurns: how much of one turn of the event loop a link may take.
 *
 * Node reads a socket up to 32 times, 64 KiB each, before it looks at the next one; and a frame of
 * 64 KiB may hold a thousand requests. So a link that has brought enough is not read any more until
 * the turn has ended, and every other link is served in between.
 */
import type { Connection } from "@foundation/core";
import { FAIR } from "../limits.js";
import { PerSecond } from "./per-second.js";

export class LinkTurns {
  #bytes = 0;
  #startedMs = 0;
  #resume: (() => void) | undefined;
  readonly #pings = new PerSecond(FAIR.pingsPerSecondMax);
  #undecodable = 0;

  /** True: a frame is the first of this turn, so `ended` has to be called when it ends. */
  begins(now: number): boolean {
    if (this.#startedMs !== 0) return false;
    this.#startedMs = now;
    return true;
  }

  /** A frame was handled: a link that has had its share is not read until the turn has ended. */
  handled(frameBytes: number, now: number, connection: Connection | undefined): void {
    this.#bytes += frameBytes;
    if (this.#resume !== undefined || connection === undefined) return;
    const tookMs = now - this.#startedMs;
    if (this.#bytes < FAIR.turnBytesMax && tookMs < FAIR.turnMsMax) return;
    this.#resume = connection.pause();
  }

  ended(): void {
    this.#startedMs = 0;
    this.#bytes = 0;
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  /** A ping came; false: there are far too many. */
  ping(now: number): boolean {
    return this.#pings.take(now);
  }

  /** A payload was none; false: there were far too many. */
  undecodable(weight: number): boolean {
    this.#undecodable += weight;
    return this.#undecodable <= FAIR.undecodableMax;
  }
}
