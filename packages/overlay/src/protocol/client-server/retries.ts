/**
 * Retries: which servers are being dialled, and which are left alone for a while.
 *
 * A server that cannot be dialled, or whose link breaks, is not wanted again for a second, then
 * two, four, up to half a minute; a link that held for half a minute ends the count. So a server
 * that cannot be reached, or only for moments, costs little, and is tried again as long as it is
 * one.
 *
 * Invariant: a server is dialled once at a time.
 */
import type { NodeId, Random } from "@foundation/core";
import type { ClientServerTimes } from "./limits.js";

interface Attempt {
  dialling: boolean;
  failures: number;
  /** Not dialled before this. */
  notBefore: number;
  /** Since when its link is up. */
  upSince: number | undefined;
}

export class Retries {
  readonly #random: Random;
  readonly #times: ClientServerTimes;
  readonly #attempts = new Map<NodeId, Attempt>();
  #inFlight = 0;

  constructor(random: Random, times: ClientServerTimes) {
    this.#random = random;
    this.#times = times;
  }

  /** Dials under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  isDialling(id: NodeId): boolean {
    return this.#attempts.get(id)?.dialling ?? false;
  }

  /** The time from which the server may be dialled; in the past when it may now. */
  notBefore(id: NodeId): number {
    return this.#attempts.get(id)?.notBefore ?? -Infinity;
  }

  /** From here on the server may be dialled; does nothing to one that is known already. */
  know(id: NodeId, now: number): void {
    if (!this.#attempts.has(id)) this.#of(id).notBefore = now;
  }

  dialled(id: NodeId): void {
    const attempt = this.#of(id);
    if (attempt.dialling) return;
    attempt.dialling = true;
    this.#inFlight += 1;
  }

  /** Its link is up, whoever dialled. */
  up(id: NodeId, now: number): void {
    const attempt = this.#of(id);
    this.#answered(attempt);
    attempt.upSince = now;
  }

  /** The dial failed, or a link that was wanted broke. */
  failed(id: NodeId, now: number): void {
    const attempt = this.#of(id);
    this.#answered(attempt);
    const { upSince } = attempt;
    attempt.upSince = undefined;
    const held = upSince !== undefined && now - upSince >= this.#times.steadyMs;
    attempt.failures = held ? 1 : attempt.failures + 1;
    const { retryMinMs, retryMaxMs } = this.#times;
    const waitMs = Math.min(retryMaxMs, retryMinMs * 2 ** (attempt.failures - 1));
    attempt.notBefore = now + Math.round(waitMs * (0.8 + 0.4 * this.#random.next()));
  }

  /** No server any more, or given back: it begins anew when it is wanted again. */
  forget(id: NodeId): void {
    const attempt = this.#attempts.get(id);
    if (attempt) this.#answered(attempt);
    this.#attempts.delete(id);
  }

  /** The ids that are known, so that those which are servers no more can be forgotten. */
  ids(): readonly NodeId[] {
    return [...this.#attempts.keys()];
  }

  #answered(attempt: Attempt): void {
    if (attempt.dialling) this.#inFlight -= 1;
    attempt.dialling = false;
  }

  #of(id: NodeId): Attempt {
    let attempt = this.#attempts.get(id);
    if (!attempt) {
      attempt = { dialling: false, failures: 0, notBefore: -Infinity, upSince: undefined };
      this.#attempts.set(id, attempt);
    }
    return attempt;
  }
}
