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
  Lease,
  LeaseId,
  Operation,
  RequestOptions,
  Revision,
  Transaction,
  TransactionResult,
  Watch,
  WatchOptions,
} from "../engine/engine.js";
import type { Group } from "../group/group.js";
import { checkRequest } from "../protocol/store/check-request.js";
import { encodeCommand } from "../protocol/store/command.js";
import type { StoreLimits } from "../protocol/store/limits.js";
import type { StoreResponse } from "../protocol/store/replicated-store.js";
import type { StoreAnswer, StoreRequest } from "../protocol/store/request.js";
import { Attempts, type Owner } from "./attempts.js";
import { closedError, failureOf, leaseLost, refusalError } from "./engine-errors.js";
import { LeaseKeeping } from "./lease-keeping.js";
import { ENGINE_TIMES } from "./limits.js";
import { copyOfResult } from "./outward.js";
import { SessionClient } from "./session-client.js";
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

class StoreGroupEngine implements GroupEngine, Owner {
  readonly clock: Clock;
  isClosed = false;
  readonly #group: EngineGroup;
  readonly #machine: StoreMachine;
  readonly #sessions: SessionClient;
  readonly #keeping: LeaseKeeping;
  readonly #watches: WatchHub;
  readonly #stopListening: () => void;
  readonly #closing = new AbortController();
  /** Requests under way. */
  readonly #running = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor({ group, machine, clock }: GroupEngineOptions) {
    this.clock = clock ?? defaultRuntime().clock;
    this.#group = group;
    this.#machine = machine;
    this.#sessions = new SessionClient(this, group, machine.sessionLimits.responsesMax);
    const batchMax = () => machine.store.limits.keptLeasesMax;
    this.#keeping = new LeaseKeeping(this.clock, batchMax, (leases) => this.#keepAll(leases));
    this.#watches = new WatchHub(() => machine.store);
    this.#stopListening = machine.onChange(() => this.#watches.notify());
    void this.#watchMember();
  }

  async txn(transaction: Transaction, options?: RequestOptions): Promise<TransactionResult> {
    const request: StoreRequest = { type: "txn", transaction };
    const attempts = this.#begin(request, options);
    const answer = isReadOnly(transaction)
      ? await this.#track(this.#read(request, attempts))
      : await this.#track(this.#sessions.execute(request, attempts));
    if (answer.type !== "txn") throw failureOf(answer);
    return copyOfResult(answer.result);
  }

  watch(range: KeyRange, options: WatchOptions = {}): Watch {
    if (this.isClosed) throw closedError("The engine");
    return this.#watches.open(range, options, (signal) => this.#fence(signal));
  }

  async grantLease(ttlMs: number, options?: RequestOptions): Promise<Lease> {
    const request: StoreRequest = { type: "grant", ttlMs };
    const attempts = this.#begin(request, options);
    const answer = await this.#track(this.#sessions.execute(request, attempts));
    if (answer.type !== "granted") throw failureOf(answer);
    return { id: answer.lease, ttlMs: answer.ttlMs };
  }

  async keepLease(id: LeaseId, options?: RequestOptions): Promise<Lease> {
    const attempts = new Attempts(this, options);
    const ttlMs = await this.#track(attempts.waitSent(this.#keeping.renew(id)));
    if (ttlMs === 0) throw leaseLost(id);
    return { id, ttlMs };
  }

  async revokeLease(id: LeaseId, options?: RequestOptions): Promise<void> {
    await this.#plain({ type: "revoke", lease: id }, options);
  }

  async compact(revision: Revision, options?: RequestOptions): Promise<void> {
    await this.#plain({ type: "compact", revision }, options);
  }

  async setLimits(limits: Partial<StoreLimits>, options?: RequestOptions): Promise<void> {
    const all = { ...this.#machine.store.limits, ...limits };
    await this.#plain({ type: "limit", limits: all }, options);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.isClosed = true;
    this.#closing.abort();
    this.#stopListening();
    this.#watches.close();
    const timeUp = this.clock.sleep(ENGINE_TIMES.closeMs);
    // Behind what is under way, for the store forgets the session's answers with it.
    while (this.#running.size > 0) {
      const isLate = await Promise.race([timeUp.then(() => true), settled(this.#running)]);
      if (isLate) return;
    }
    // Without success it is closed by its silence.
    await this.#sessions.close(ENGINE_TIMES.closeMs).catch(() => undefined);
  }

  /** @throws what is wrong with the request, before anything is sent */
  #begin(request: StoreRequest, options: RequestOptions | undefined): Attempts {
    const attempts = new Attempts(this, options);
    const refusal = checkRequest(request, this.#machine.store.limits);
    if (refusal) throw refusalError(refusal);
    return attempts;
  }

  /** Reads this member's store once it holds everything that was answered before. */
  async #read(request: StoreRequest, attempts: Attempts): Promise<StoreAnswer> {
    await attempts.run((options) => this.#group.read(options));
    return this.#machine.store.execute(request);
  }

  /** A request that does no harm when it is executed twice. */
  async #plain(request: StoreRequest, options?: RequestOptions): Promise<void> {
    const attempts = this.#begin(request, options);
    const answer = await this.#track(this.#propose(request, attempts));
    if (answer.type !== "done") throw failureOf(answer);
  }

  async #propose(request: StoreRequest, attempts: Attempts): Promise<StoreAnswer> {
    const data = encodeCommand({ type: "plain", request });
    const { response } = await attempts.run((limits) => this.#group.propose(data, limits));
    if (response.type !== "done") throw new Error(`the store answered "${response.type}"`);
    return response.response;
  }

  async #keepAll(leases: readonly LeaseId[]): Promise<readonly number[]> {
    const answer = await this.#propose({ type: "keep", leases }, new Attempts(this));
    if (answer.type !== "kept") throw failureOf(answer);
    return answer.ttlsMs;
  }

  /** Resolves when this member's store holds everything that was answered before. */
  async #fence(signal: AbortSignal): Promise<void> {
    const attempts = new Attempts(this, { timeout: ENGINE_TIMES.fenceMs, signal });
    await attempts.run((options) => this.#group.read(options));
  }

  /** Counts a request as under way until it ends. */
  async #track<Answer>(request: Promise<Answer>): Promise<Answer> {
    this.#running.add(request);
    try {
      return await request;
    } finally {
      this.#running.delete(request);
    }
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

function isReadOnly({ then, else: otherwise = [] }: Transaction): boolean {
  return then.every(isRange) && otherwise.every(isRange);
}

function isRange({ type }: Operation): boolean {
  return type === "range";
}

/** Resolves to false when all of them have ended, whatever way. */
async function settled(requests: Iterable<Promise<unknown>>): Promise<false> {
  await Promise.allSettled(requests);
  return false;
}
