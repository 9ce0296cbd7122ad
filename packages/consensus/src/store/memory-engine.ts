/**
 * createMemoryEngine: the replicated store in one process, without a group.
 *
 * For tests and for development with one process: it keeps nothing across restarts. It is the same store with the same
 * commands, so what works on it works on a group; only the ways in which a network fails are missing.
 */
import { defaultRuntime, resolveLimits } from "@foundation/core";
import type { Clock, Timer } from "@foundation/core/ports";
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
  WatchOptions,
} from "../engine/engine.js";
import { checkRequest } from "../protocol/store/check-request.js";
import { STORE_LIMITS, type StoreLimits } from "../protocol/store/limits.js";
import type { StoreAnswer, StoreRequest } from "../protocol/store/request.js";
import { encodeRequest, parseRequest } from "../protocol/store/request-codec.js";
import { Store } from "../protocol/store/store.js";
import { abortedError, closedError, failureOf, leaseLost, refusalError } from "./engine-errors.js";
import { copyOfResult } from "./outward.js";
import { WatchHub } from "./watch-hub.js";

export interface MemoryEngineOptions {
  /** Tells when leases end. @default the surrounding simulation's, else Node's */
  readonly clock?: Clock | undefined;
  /** @default STORE_LIMITS */
  readonly limits?: Partial<StoreLimits> | undefined;
}

/**
 * An engine in memory.
 *
 * @throws {ERR_INVALID_ARGUMENT} a limit is not an integer from 1
 *
 * @example
 * ```ts
 * import { createMemoryEngine } from "@foundation/consensus"
 *
 * const engine = createMemoryEngine()
 * const value = new TextEncoder().encode("blue")
 * await engine.txn({ then: [{ type: "put", key: "sky", value }] })
 * await engine.close()
 * ```
 */
export function createMemoryEngine(options: MemoryEngineOptions = {}): Engine {
  return new MemoryEngine(options);
}

class MemoryEngine implements Engine {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #store: Store;
  readonly #watches: WatchHub;
  #timer: Timer | undefined;
  #timerDueMs = 0;
  #isClosed = false;

  constructor(options: MemoryEngineOptions) {
    this.#clock = options.clock ?? defaultRuntime().clock;
    this.#startMs = this.#clock.now();
    this.#store = new Store({ limits: resolveLimits(STORE_LIMITS, options.limits) });
    this.#watches = new WatchHub(() => this.#store);
  }

  async txn(transaction: Transaction, options?: RequestOptions): Promise<TransactionResult> {
    const answer = this.#execute({ type: "txn", transaction }, options);
    if (answer.type !== "txn") throw failureOf(answer);
    return copyOfResult(answer.result);
  }

  watch(range: KeyRange, options?: WatchOptions): Watch {
    if (this.#isClosed) throw closedError("The engine");
    return this.#watches.open(range, options);
  }

  async grantLease(ttlMs: number, options?: RequestOptions): Promise<Lease> {
    const answer = this.#execute({ type: "grant", ttlMs }, options);
    if (answer.type !== "granted") throw failureOf(answer);
    return { id: answer.lease, ttlMs: answer.ttlMs };
  }

  async keepLease(id: LeaseId, options?: RequestOptions): Promise<Lease> {
    const answer = this.#execute({ type: "keep", leases: [id] }, options);
    if (answer.type !== "kept") throw failureOf(answer);
    const [ttlMs = 0] = answer.ttlsMs;
    if (ttlMs === 0) throw leaseLost(id);
    return { id, ttlMs };
  }

  async revokeLease(id: LeaseId, options?: RequestOptions): Promise<void> {
    this.#execute({ type: "revoke", lease: id }, options);
  }

  async compact(revision: Revision, options?: RequestOptions): Promise<void> {
    this.#execute({ type: "compact", revision }, options);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#watches.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #execute(request: StoreRequest, options: RequestOptions = {}): StoreAnswer {
    if (this.#isClosed) throw closedError("The engine");
    if (options.signal?.aborted) throw abortedError("A request", options.signal.reason);
    const refusal = checkRequest(request, this.#store.limits);
    if (refusal) throw refusalError(refusal);
    // Through its bytes, as in a group: what the caller changes later does not reach the store.
    const parsed = parseRequest(encodeRequest(request));
    this.#passTime();
    const answer: StoreAnswer =
      "reason" in parsed ? { type: "refused", refusal: parsed } : this.#store.execute(parsed);
    this.#watches.notify();
    this.#arm();
    if (answer.type === "refused") throw refusalError(answer.refusal);
    return answer;
  }

  #passTime(reachedMs = 0): void {
    this.#store.advance(Math.max(this.#clock.now() - this.#startMs, reachedMs));
  }

  /** Sets the timer to the end of the first lease, unless it rings before that anyway. */
  #arm(): void {
    const dueMs = this.#store.nextEndMs;
    if (this.#timer && dueMs !== undefined && this.#timerDueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (dueMs === undefined) return;
    this.#timerDueMs = dueMs;
    const leftMs = Math.max(0, this.#startMs + dueMs - this.#clock.now());
    this.#timer = this.#clock.setTimer(leftMs, () => this.#ring());
  }

  #ring(): void {
    this.#timer = undefined;
    // What it was set for has come: a difference of fractions can fall just short of it, and then it would for ever.
    this.#passTime(this.#timerDueMs);
    this.#watches.notify();
    this.#arm();
  }
}
