/**
 * createGroupEngine: an engine over one member of a group.
 *
 * What changes something is a command of the group's log, sent within a session so that it takes effect once however
 * often it is sent. What only reads costs no entry: the group says up to where this member's store has to be, and the
 * store beside it is read. Watches are served from that store alone; where they begin is found in the same way.
 */
import { defaultRuntime } from "@foundation/core";
import type { Clock } from "@foundation/core/ports";
import type {
  Engine,
  KeyRange,
  RequestOptions,
  Transaction,
  TransactionResult,
  Watch,
  WatchOptions,
} from "../engine/engine.js";
import type { Group } from "../group/group.js";
import { checkRequest } from "../protocol/store/check-request.js";
import type { StoreLimits } from "../protocol/store/limits.js";
import type { StoreResponse } from "../protocol/store/replicated-store.js";
import type { StoreAnswer, StoreRequest } from "../protocol/store/request.js";
import { Attempts } from "./attempts.js";
import { closedError, refusalError } from "./engine-errors.js";
import { ENGINE_TIMES } from "./limits.js";
import { copyOfResult } from "./outward.js";
import { SessionEngine } from "./session-engine.js";
import type { StoreMachine } from "./store-machine.js";
import { WatchHub } from "./watch-hub.js";

/** What an engine needs of a group. */
export type EngineGroup = Pick<Group<StoreResponse>, "propose" | "read" | "watchStatus">;

export interface GroupEngineOptions {
  /** A running member. It stays open when the engine is closed. */
  readonly group: EngineGroup;
  /** The machine that the member was opened with. */
  readonly machine: StoreMachine;
  /** @default the surrounding simulation's, else Node's */
  readonly clock?: Clock | undefined;
}

/** An engine over a group. */
export interface GroupEngine extends Engine {
  /**
   * Changes limits of the group's store, on every member at once.
   *
   * @throws {ERR_INVALID_ARGUMENT} one is not an integer from 1; and what `txn` throws
   */
  setLimits(limits: Partial<StoreLimits>, options?: RequestOptions): Promise<void>;
}

/**
 * An engine over a member of a group. Several over one member have a session each.
 *
 * @example
 * ```ts
 * import { createGroupEngine, createStoreMachine, openGroup } from "@foundation/consensus"
 * import type { GroupOptions } from "@foundation/consensus"
 *
 * async function openEngine(options: Omit<GroupOptions<never>, "machine">) {
 *   const machine = createStoreMachine()
 *   const group = await openGroup({ ...options, machine })
 *   return createGroupEngine({ group, machine })
 * }
 * ```
 */
export function createGroupEngine(options: GroupEngineOptions): GroupEngine {
  return new StoreGroupEngine(options);
}

class StoreGroupEngine extends SessionEngine implements GroupEngine {
  readonly #group: EngineGroup;
  readonly #machine: StoreMachine;
  readonly #watches: WatchHub;
  readonly #stopListening: () => void;
  readonly #closing = new AbortController();

  constructor({ group, machine, clock = defaultRuntime().clock }: GroupEngineOptions) {
    super(clock, group);
    this.#group = group;
    this.#machine = machine;
    this.#watches = new WatchHub(() => machine.store);
    this.#stopListening = machine.onChange(() => this.#watches.notify());
    void this.#watchMember();
  }

  watch(range: KeyRange, options: WatchOptions = {}): Watch {
    if (this.isClosed) throw closedError("The engine");
    return this.#watches.open(range, options, (signal) => this.#fence(signal));
  }

  async setLimits(limits: Partial<StoreLimits>, options?: RequestOptions): Promise<void> {
    const all = { ...this.#machine.store.limits, ...limits };
    await this.plain({ type: "limit", limits: all }, options);
  }

  protected check(request: StoreRequest): void {
    const refusal = checkRequest(request, this.#machine.store.limits);
    if (refusal) throw refusalError(refusal);
  }

  protected windowMax(): number {
    return this.#machine.sessionLimits.responsesMax;
  }

  protected keptLeasesMax(): number {
    return this.#machine.store.limits.keptLeasesMax;
  }

  /** Reads this member's store once it holds everything that was answered before. */
  protected async read(transaction: Transaction, attempts: Attempts): Promise<StoreAnswer> {
    await attempts.run((options) => this.#group.read(options));
    return this.#machine.store.execute({ type: "txn", transaction });
  }

  protected endWatches(): void {
    this.#closing.abort();
    this.#stopListening();
    this.#watches.close();
  }

  protected outward(result: TransactionResult): TransactionResult {
    return copyOfResult(result);
  }

  /** Resolves when this member's store holds everything that was answered before. */
  async #fence(signal: AbortSignal): Promise<void> {
    const attempts = new Attempts(this, { timeout: ENGINE_TIMES.fenceMs, signal });
    await attempts.run((options) => this.#group.read(options));
  }

  /** Watches of a member that takes part no more would be silent for ever: they end with it. */
  async #watchMember(): Promise<void> {
    try {
      for await (const { failure } of this.#group.watchStatus({ signal: this.#closing.signal })) {
        if (failure) this.#watches.close(failure);
      }
      this.#watches.close(closedError("The group"));
    } catch (error) {
      this.#watches.close(error as Error);
    }
  }
}
