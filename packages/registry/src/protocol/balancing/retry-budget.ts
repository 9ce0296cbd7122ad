/**
 * RetryBudget: retries as a share of the requests, not as a count for each.
 *
 * When everything fails, "three tries each" makes three times the load of what is already overloaded; a budget makes
 * the share more, whatever happens. A token bucket as in Finagle and in gRPC's retry throttling.
 *
 * Invariant: retries ≤ reserve + share × requests, over any time.
 */
export class RetryBudget {
  readonly #share: number;
  readonly #reserve: number;
  #tokens: number;

  /** `reserve`: retries allowed before any share was earned, and at most kept for later. */
  constructor(share: number, reserve: number) {
    this.#share = share;
    this.#reserve = reserve;
    this.#tokens = reserve;
  }

  /** Retries that may be made now. */
  get left(): number {
    return Math.floor(this.#tokens);
  }

  /** A request, not a retry of one, was made. */
  earn(): void {
    this.#tokens = Math.min(this.#reserve, this.#tokens + this.#share);
  }

  /** True when a retry may be made: it is paid for then. */
  spend(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
