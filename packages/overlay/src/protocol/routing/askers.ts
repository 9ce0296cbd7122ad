/**
 * Askers: who has asked this node about routes how often, so that nobody can make it answer without end.
 *
 * Limits: requestsPerSecondMax for each node; askersMax nodes are counted, and who asked first is forgotten.
 */
import type { NodeId } from "@foundation/core";
import type { RoutingLimits } from "./limits.js";

interface Asker {
  sinceMs: number;
  count: number;
}

export class Askers {
  readonly #limits: Pick<RoutingLimits, "askersMax" | "requestsPerSecondMax">;
  readonly #askers = new Map<NodeId, Asker>();

  constructor(limits: Pick<RoutingLimits, "askersMax" | "requestsPerSecondMax">) {
    this.#limits = limits;
  }

  /** Counts a question; false: it is one too many in this second. */
  mayAsk(id: NodeId, now: number): boolean {
    let asker = this.#askers.get(id);
    if (asker === undefined || now - asker.sinceMs >= 1_000) {
      this.#askers.delete(id);
      asker = { sinceMs: now, count: 0 };
      this.#askers.set(id, asker);
    }
    asker.count += 1;
    for (const oldest of this.#askers.keys()) {
      if (this.#askers.size <= this.#limits.askersMax) break;
      this.#askers.delete(oldest);
    }
    return asker.count <= this.#limits.requestsPerSecondMax;
  }

  forget(id: NodeId): void {
    this.#askers.delete(id);
  }
}
