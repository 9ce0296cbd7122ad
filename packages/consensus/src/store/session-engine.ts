/**
 * SessionEngine: what every engine over a replicated store does alike, wherever the store is.
 *
 * What changes something is a command of the group's log, sent within a session so that it takes effect once however
 * often it is sent. How it gets into the log, where reads are served and what limits hold is the engine's own.
 */
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
import { encodeCommand } from "../protocol/store/command.js";
import type { StoreResponse } from "../protocol/store/replicated-store.js";
import type { StoreAnswer, StoreRequest } from "../protocol/store/request.js";
import { Attempts, type Owner } from "./attempts.js";
import { failureOf, leaseLost } from "./engine-errors.js";
import { LeaseKeeping } from "./lease-keeping.js";
import { ENGINE_TIMES } from "./limits.js";
import { SessionClient } from "./session-client.js";

/** Puts commands into the group's log. */
export type Proposer = Pick<Group<StoreResponse>, "propose">;

export abstract class SessionEngine implements Engine, Owner {
  readonly clock: Clock;
  isClosed = false;
  readonly #proposer: Proposer;
  readonly #keeping: LeaseKeeping;
  /** Requests under way. */
  readonly #running = new Set<Promise<unknown>>();
  #sessions: SessionClient | undefined;
  #closed: Promise<void> | undefined;

  constructor(clock: Clock, proposer: Proposer) {
    this.clock = clock;
    this.#proposer = proposer;
    const batchMax = () => this.keptLeasesMax();
    this.#keeping = new LeaseKeeping(clock, batchMax, (leases) => this.#keepAll(leases));
  }

  abstract watch(range: KeyRange, options?: WatchOptions): Watch;

  /** @throws what is wrong with the request, before anything is sent */
  protected abstract check(request: StoreRequest, attempts: Attempts): void | Promise<void>;
  /** Answers that the store keeps for one session. */
  protected abstract windowMax(attempts: Attempts): number | Promise<number>;
  /** Leases in one command. */
  protected abstract keptLeasesMax(): number;
  /** Reads a store that holds everything that was answered before. */
  protected abstract read(transaction: Transaction, attempts: Attempts): Promise<StoreAnswer>;
  /** What a caller may keep and change. */
  protected abstract outward(result: TransactionResult): TransactionResult;
  /** The engine is closed. */
  protected abstract endWatches(): void;

  async txn(transaction: Transaction, options?: RequestOptions): Promise<TransactionResult> {
    const request: StoreRequest = { type: "txn", transaction };
    const attempts = await this.#begin(request, options);
    const answer = isReadOnly(transaction)
      ? await this.#track(this.read(transaction, attempts))
      : await this.#track(this.#once(request, attempts));
    if (answer.type !== "txn") throw failureOf(answer);
    return this.outward(answer.result);
  }

  async grantLease(ttlMs: number, options?: RequestOptions): Promise<Lease> {
    const request: StoreRequest = { type: "grant", ttlMs };
    const attempts = await this.#begin(request, options);
    const answer = await this.#track(this.#once(request, attempts));
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
    await this.plain({ type: "revoke", lease: id }, options);
  }

  async compact(revision: Revision, options?: RequestOptions): Promise<void> {
    await this.plain({ type: "compact", revision }, options);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A request that does no harm when it is executed twice. */
  protected async plain(request: StoreRequest, options?: RequestOptions): Promise<void> {
    const attempts = await this.#begin(request, options);
    const answer = await this.#track(this.#propose(request, attempts));
    if (answer.type !== "done") throw failureOf(answer);
  }

  async #begin(request: StoreRequest, options: RequestOptions | undefined): Promise<Attempts> {
    const attempts = new Attempts(this, options);
    const checking = this.check(request, attempts);
    if (checking) await checking;
    return attempts;
  }

  async #once(request: StoreRequest, attempts: Attempts): Promise<StoreAnswer> {
    if (!this.#sessions) {
      const windowMax = await this.windowMax(attempts);
      this.#sessions ??= new SessionClient(this, this.#proposer, windowMax);
    }
    return await this.#sessions.execute(request, attempts);
  }

  async #propose(request: StoreRequest, attempts: Attempts): Promise<StoreAnswer> {
    const data = encodeCommand({ type: "plain", request });
    const { response } = await attempts.run((limits) => this.#proposer.propose(data, limits));
    if (response.type !== "done") throw new Error(`the store answered "${response.type}"`);
    return response.response;
  }

  async #keepAll(leases: readonly LeaseId[]): Promise<readonly number[]> {
    const answer = await this.#propose({ type: "keep", leases }, new Attempts(this));
    if (answer.type !== "kept") throw failureOf(answer);
    return answer.ttlsMs;
  }

  async #close(): Promise<void> {
    this.isClosed = true;
    this.endWatches();
    if (!(await this.#drained())) return;
    // Without success it is closed by its silence.
    await this.#sessions?.close(ENGINE_TIMES.closeMs).catch(() => undefined);
  }

  /** Waits for what is under way: the store forgets its answers with the session. False when that takes too long. */
  async #drained(): Promise<boolean> {
    const waiting = new AbortController();
    const { signal } = waiting;
    const late = this.clock.sleep(ENGINE_TIMES.closeMs, { signal }).then(isTrue, isTrue);
    try {
      while (this.#running.size > 0) {
        if (await Promise.race([late, settled(this.#running)])) return false;
      }
      return true;
    } finally {
      waiting.abort();
    }
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
}

function isReadOnly({ then, else: otherwise = [] }: Transaction): boolean {
  return then.every(isRange) && otherwise.every(isRange);
}

function isRange({ type }: Operation): boolean {
  return type === "range";
}

const isTrue = () => true;

/** Resolves to false when all of them have ended, whatever way. */
async function settled(requests: Iterable<Promise<unknown>>): Promise<false> {
  await Promise.allSettled(requests);
  return false;
}
