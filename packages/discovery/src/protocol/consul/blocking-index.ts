/**
 * BlockingIndex: when a look at Consul may wait for a change, by the rules that Consul's documentation sets for clients.
 *
 * Pure. https://developer.hashicorp.com/consul/api-docs/features/blocking: an index that goes backwards is thrown away
 * (the servers were restored from a snapshot, and waiting for the old one could take for ever); an index below 1 is 1, or
 * the query would not wait and the loop spin; an answer without an index cannot be waited upon.
 *
 * An answer below the highest index is also an old one: of a server that is behind, for as long as it takes it to catch up.
 * It takes nobody away. Servers that were restored stay below, so after a time the lower index is the highest.
 */
import { discoveryLimits } from "../../limits.js";

/** An answer is older than an earlier one. */
export interface Backwards {
  readonly from: number;
  readonly to: number;
}

export class BlockingIndex {
  #index: number | undefined;
  #highest = 0;
  #newest = 0;
  #behindSinceMs: number | undefined;

  /** What to wait beyond; `undefined`: the next query must not wait. */
  get current(): number | undefined {
    return this.#index;
  }

  /** @param header `X-Consul-Index` of the newest answer */
  take(header: string | undefined, nowMs: number): Backwards | undefined {
    const found = header !== undefined && /^\d{1,20}$/.test(header) ? Number(header) : undefined;
    if (found === undefined || !Number.isSafeInteger(found)) {
      this.#index = undefined;
      return undefined;
    }
    this.#index = found < this.#newest ? undefined : Math.max(1, found);
    this.#newest = found;
    return this.#compare(found, nowMs);
  }

  /** After an error the next query does not wait: what it would wait for may have come meanwhile. */
  reset(): void {
    this.#index = undefined;
  }

  #compare(found: number, nowMs: number): Backwards | undefined {
    if (found < this.#highest) {
      this.#behindSinceMs ??= nowMs;
      const isRestored = nowMs - this.#behindSinceMs >= discoveryLimits.consulRestoredMs;
      if (!isRestored) return { from: this.#highest, to: found };
    }
    this.#highest = found;
    this.#behindSinceMs = undefined;
    return undefined;
  }
}
