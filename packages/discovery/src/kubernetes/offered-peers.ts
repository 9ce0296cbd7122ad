/**
 * OfferedPeers: when the table's peers go on offer.
 *
 * Invariants: the first set comes when each namespace has listed or failed once and one has listed, or a while after
 * the first list, lest a namespace that hangs hide the others' peers; from then on a set comes when the table has
 * changed. A table of nobody, not even this node, puts nothing on offer where somebody was, and is reported.
 */
import type { DiscoveryContext, Timer } from "@foundation/core";
import type { EndpointTable } from "../protocol/kubernetes/endpoint-table.js";
import { kubernetesLimits } from "../protocol/kubernetes/limits.js";
import type { LatestSet } from "../strategies/latest-set.js";
import { emptied } from "./endpoint-issue.js";

/** What became of a namespace: a list has ended, events were applied, an attempt failed. */
export type Progress = "listed" | "changed" | "failed";

/** Offers what the table says; see the module. */
export class OfferedPeers {
  readonly #context: Pick<DiscoveryContext, "clock" | "report">;
  readonly #table: EndpointTable;
  readonly #latest: LatestSet;
  /** Namespaces that have neither listed nor failed yet. */
  readonly #waiting: Set<string>;
  #patience: Timer | undefined;
  #hasListed = false;
  /** The table's changes that were seen last, and how many peers are on offer; undefined: no set was yet. */
  #seen: number | undefined;
  #count = 0;

  /** @param namespaces by any name */
  constructor(
    context: Pick<DiscoveryContext, "clock" | "report">,
    table: EndpointTable,
    latest: LatestSet,
    namespaces: readonly string[],
  ) {
    this.#context = context;
    this.#table = table;
    this.#latest = latest;
    this.#waiting = new Set(namespaces);
  }

  /** Takes the progress of one namespace. */
  handle(namespace: string, progress: Progress): void {
    if (progress !== "changed") this.#waiting.delete(namespace);
    if (progress === "listed") this.#hasListed = true;
    if (!this.#hasListed) return;
    if (this.#waiting.size === 0) this.#offer();
    else this.#patience ??= this.#context.clock.setTimer(kubernetesLimits.othersMs, this.#endWait);
  }

  /** Leaves no timer behind. */
  close(): void {
    this.#patience?.cancel();
  }

  readonly #endWait = (): void => {
    this.#waiting.clear();
    this.#offer();
  };

  #offer(): void {
    this.#patience?.cancel();
    const { changes } = this.#table;
    if (changes === this.#seen) return;
    this.#seen = changes;
    if (this.#table.isEmpty && this.#count > 0) {
      this.#context.report(emptied(this.#count));
      return;
    }
    const peers = this.#table.peers();
    this.#count = peers.length;
    this.#latest.put(peers);
  }
}
