/**
 * QuorumEngine: the replicated store as one node of the world reaches it. The store itself stands outside of the nodes and
 * fails never; a node gets a request there, and the answer back, only while it reaches more than half of all nodes.
 *
 * Stands for a group of consensus where nodes are wired by hand: as linearizable, as unreachable on the side of a minority,
 * and much faster. An answer that does not come back leaves the outcome unknown, as in life.
 */
import { coreErrors, parseDuration, type Clock, type Duration } from "@foundation/core";
import type {
  Engine,
  KeyRange,
  Lease,
  LeaseId,
  RequestOptions,
  Revision,
  Transaction,
  TransactionResult,
  Watch,
  WatchBatch,
  WatchOptions,
} from "@foundation/consensus";

export interface QuorumEngineOptions {
  /** The store of the world. */
  readonly store: Engine;
  /** The node's own: what waits on it ends with the node. */
  readonly clock: Clock;
  /** Whether the node and more than half of all reach each other now. */
  readonly reaches: () => boolean;
}

const WAY_MS = 1.5;
const RETRY_MS = 40;
const TIMEOUT_MS = 5_000;

export class QuorumEngine implements Engine {
  readonly #store: Engine;
  readonly #clock: Clock;
  readonly #reaches: () => boolean;

  constructor({ store, clock, reaches }: QuorumEngineOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#reaches = reaches;
  }

  txn(transaction: Transaction, options?: RequestOptions): Promise<TransactionResult> {
    return this.#ask(options, () => this.#store.txn(transaction));
  }

  grantLease(ttlMs: number, options?: RequestOptions): Promise<Lease> {
    return this.#ask(options, () => this.#store.grantLease(ttlMs));
  }

  keepLease(id: LeaseId, options?: RequestOptions): Promise<Lease> {
    return this.#ask(options, () => this.#store.keepLease(id));
  }

  revokeLease(id: LeaseId, options?: RequestOptions): Promise<void> {
    return this.#ask(options, () => this.#store.revokeLease(id));
  }

  compact(revision: Revision, options?: RequestOptions): Promise<void> {
    return this.#ask(options, () => this.#store.compact(revision));
  }

  watch(range: KeyRange, options?: WatchOptions): Watch {
    const watch = this.#store.watch(range, options);
    const passed = () => this.#passed();
    return {
      ready: async () => {
        const revision = await watch.ready();
        await passed();
        return revision;
      },
      close: () => watch.close(),
      [Symbol.asyncDispose]: () => watch.close(),
      async *[Symbol.asyncIterator](): AsyncGenerator<WatchBatch> {
        for await (const batch of watch) {
          await passed();
          yield batch;
        }
      },
    };
  }

  /** It is the world's. */
  async close(): Promise<void> {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #ask<T>(options: RequestOptions | undefined, request: () => Promise<T>): Promise<T> {
    const { signal, timeout = TIMEOUT_MS } = options ?? {};
    const timeoutMs = parseDuration(timeout as Duration, "timeout");
    const untilMs = this.#clock.now() + timeoutMs;
    const target = "the store";
    const giveUp = (): "late" | "aborted" | undefined => {
      if (signal?.aborted === true) return "aborted";
      return this.#clock.now() > untilMs ? "late" : undefined;
    };
    switch (await this.#passed(giveUp)) {
      case "late":
        throw coreErrors.ERR_TIMEOUT("The store was not reached", { timeoutMs, target });
      case "aborted":
        throw coreErrors.ERR_ABORTED("The store was not reached", { target });
      default:
    }
    const [answer] = await Promise.allSettled([request()]);
    if ((await this.#passed(giveUp)) !== undefined) {
      const reason = "connection-lost";
      throw coreErrors.ERR_OUTCOME_UNKNOWN("The store's answer was lost", { reason, target });
    }
    if (answer.status === "rejected") throw answer.reason;
    return answer.value;
  }

  /** One way, in an event of the node: as soon as it reaches the others, unless it gives up before. */
  async #passed(giveUp?: () => "late" | "aborted" | undefined) {
    await this.#clock.sleep(WAY_MS);
    while (!this.#reaches()) {
      const why = giveUp?.();
      if (why !== undefined) return why;
      await this.#clock.sleep(RETRY_MS);
    }
    return undefined;
  }
}
