/**
 * createRemoteEngine: the engine of a group on a node that is no member of it.
 *
 * Requests that change something are sent within a session of this node's own, to whichever member answers, and sent
 * again to another one while nobody knows what became of them: they take effect once. Reads and watches are served by a
 * member's store, linearizable as there.
 */
import { defaultRuntime, type Messenger, type NodeId } from "@foundation/core";
import type { Clock } from "@foundation/core/ports";
import type {
  Engine,
  KeyRange,
  Transaction,
  TransactionResult,
  Watch,
  WatchOptions,
} from "../engine/engine.js";
import { consensusErrors } from "../errors.js";
import { checkRequest, checkWatch } from "../protocol/store/check-request.js";
import type { StoreLimits } from "../protocol/store/limits.js";
import type { StoreResponse } from "../protocol/store/replicated-store.js";
import type { StoreAnswer, StoreRequest } from "../protocol/store/request.js";
import { encodeRequest } from "../protocol/store/request-codec.js";
import type { Attempts } from "../store/attempts.js";
import { closedError, refusalError } from "../store/engine-errors.js";
import { ENGINE_LIMITS } from "../store/limits.js";
import { SessionEngine } from "../store/session-engine.js";
import { Asking } from "./asking.js";
import { RemoteWatch } from "./remote-watch.js";
import type { Welcome } from "./words.js";

export interface RemoteEngineOptions {
  readonly messenger: Pick<Messenger, "request">;
  /** The group's name, as `serveEngine` has it. */
  readonly name: string;
  /** Members that serve the engine, as known now; the best first. */
  readonly voters: () => readonly NodeId[];
  /** @default the surrounding simulation's, else Node's */
  readonly clock?: Clock | undefined;
}

/** An engine over members elsewhere. It asks nobody before it is used. */
export function createRemoteEngine(options: RemoteEngineOptions): Engine {
  return new RemoteEngine(options);
}

class RemoteEngine extends SessionEngine {
  readonly #asking: Asking;
  readonly #watches = new Set<RemoteWatch>();
  #welcome: Welcome | undefined;

  constructor({ messenger, name, voters, clock = defaultRuntime().clock }: RemoteEngineOptions) {
    const asking = new Asking({ messenger, name, voters, clock });
    super(clock, {
      propose: async (data, options = {}) => {
        const response = (await asking.ask("propose", data, options)) as StoreResponse;
        return { index: 0, response };
      },
    });
    this.#asking = asking;
  }

  watch(range: KeyRange, options: WatchOptions = {}): Watch {
    if (this.isClosed) throw closedError("The engine");
    const refusal = this.#welcome && checkWatch(range, options.from, this.#welcome.limits);
    if (refusal) throw refusalError(refusal);
    const { watchesMax: max } = ENGINE_LIMITS;
    if (this.#watches.size >= max) {
      throw consensusErrors.ERR_ENGINE_FULL(
        `${max} watches are open; close those that are not needed, or watch a range for its keys`,
        { what: "watches", limit: "watchesMax", max },
      );
    }
    const forget = (watch: RemoteWatch) => void this.#watches.delete(watch);
    const watch = new RemoteWatch(this.#asking, this.clock, range, options, forget);
    this.#watches.add(watch);
    return watch;
  }

  protected async check(request: StoreRequest, attempts: Attempts): Promise<void> {
    const known = this.#welcome !== undefined;
    let refusal = checkRequest(request, await this.#limits(attempts));
    if (refusal && known) {
      // They may have been changed since.
      this.#welcome = undefined;
      refusal = checkRequest(request, await this.#limits(attempts));
    }
    if (refusal) throw refusalError(refusal);
  }

  protected async windowMax(attempts: Attempts): Promise<number> {
    return (await this.#greeted(attempts)).responsesMax;
  }

  protected keptLeasesMax(): number {
    return this.#welcome?.limits.keptLeasesMax ?? 1;
  }

  protected async read(transaction: Transaction, attempts: Attempts): Promise<StoreAnswer> {
    const data = encodeRequest({ type: "txn", transaction });
    const result = await attempts.run((options) => this.#asking.learn("read", data, options));
    return { type: "txn", result: result as TransactionResult };
  }

  /** It came over the wire, and is nobody else's. */
  protected outward(result: TransactionResult): TransactionResult {
    return result;
  }

  protected endWatches(): void {
    for (const watch of [...this.#watches]) watch.end();
  }

  async #limits(attempts: Attempts): Promise<StoreLimits> {
    return (await this.#greeted(attempts)).limits;
  }

  async #greeted(attempts: Attempts): Promise<Welcome> {
    this.#welcome ??= (await attempts.run((options) =>
      this.#asking.learn("hello", null, options),
    )) as Welcome;
    return this.#welcome;
  }
}
