/**
 * etcdEngine: the engine of the recipes over an etcd beside the application.
 *
 * For those who outgrow a group of this package, or have an etcd anyway: the same interface with the same guarantees, and
 * etcd's own operators' tools. docs/decisions/0014 says why it speaks gRPC and by which packages.
 *
 * What etcd cannot do otherwise: leases live whole seconds, and no less than one and a half of its election timeouts;
 * a watch whose connection broke after a quiet time may find that what it has not seen is forgotten, since etcd tells
 * how far it is every ten minutes only.
 */
import { coreErrors } from "@foundation/core";
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
import { consensusErrors } from "../errors.js";
import { checkRequest, checkWatch } from "../protocol/store/check-request.js";
import { STORE_LIMITS } from "../protocol/store/limits.js";
import type { StoreRequest } from "../protocol/store/request.js";
import { closedError, compactedError, leaseLost, refusalError } from "../store/engine-errors.js";
import { ENGINE_LIMITS } from "../store/limits.js";
import { EtcdWatch } from "./etcd-watch.js";
import { Keyspace } from "./keyspace.js";
import { loadLibrary } from "./library.js";
import type { EtcdLease } from "./messages.js";
import { ForgottenRevision } from "./refusals.js";
import { Requests } from "./requests.js";
import { settingsOf, type EtcdEngineOptions, type Settings } from "./settings.js";
import { isRead, leaseOf, requestOf, resultOf } from "./translation.js";

/**
 * An engine over a real etcd, version 3.4 or newer. It needs the packages `@grpc/grpc-js` and `@grpc/proto-loader`, which
 * the first request loads; a connection is made then, too.
 *
 * @throws {ERR_INVALID_ARGUMENT} an option. Requests reject with `ERR_PACKAGE_REQUIRED` when a package is missing,
 *   `ERR_ENGINE_REFUSED` when etcd does not let this user, `ERR_CLUSTER_FOREIGN` when endpoints are of several clusters.
 *
 * @example
 * ```ts
 * import { etcdEngine } from "@foundation/consensus/etcd"
 *
 * const engine = etcdEngine({ endpoints: ["http://127.0.0.1:2379"], namespace: "shop/" })
 * const value = new TextEncoder().encode("blue")
 * await engine.txn({ then: [{ type: "put", key: "sky", value }] })
 * await engine.close()
 * ```
 */
export function etcdEngine(options: EtcdEngineOptions): Engine {
  return new EtcdEngine(settingsOf(options));
}

class EtcdEngine implements Engine {
  readonly #settings: Settings;
  readonly #keys: Keyspace;
  readonly #requests: Requests;
  #watches = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#keys = new Keyspace(settings.namespace);
    this.#requests = new Requests(settings, loadLibrary);
  }

  async txn(transaction: Transaction, options: RequestOptions = {}): Promise<TransactionResult> {
    this.#check({ type: "txn", transaction });
    const request = requestOf(transaction, this.#keys);
    const lease = leasesOf(transaction);
    const refused = { what: "a transaction", bytes: bytesOf(transaction), lease };
    const effect = isRead(transaction) ? "none" : "once";
    try {
      const answer = await this.#requests.ask({ name: "Txn", request, effect, refused }, options);
      return resultOf(transaction, answer, this.#keys);
    } catch (error) {
      if (!(error instanceof ForgottenRevision)) throw error;
      throw await this.#forgotten(transaction, options);
    }
  }

  watch(range: KeyRange, options: WatchOptions = {}): Watch {
    if (this.#requests.isClosed) throw closedError("The engine over etcd");
    const refusal = checkWatch(range, options.from, STORE_LIMITS);
    if (refusal) throw refusalError(refusal);
    const { watchesMax: max } = ENGINE_LIMITS;
    if (this.#watches >= max) {
      throw consensusErrors.ERR_ENGINE_FULL(
        `${max} watches are open; close those that are not needed, or watch a range for its keys`,
        { what: "watches", limit: "watchesMax", max },
      );
    }
    this.#watches += 1;
    const around = {
      requests: this.#requests,
      settings: this.#settings,
      keys: this.#keys,
      random: this.#settings.runtime.random,
      onEnd: () => {
        this.#watches -= 1;
      },
    };
    return new EtcdWatch(around, range, options);
  }

  /** etcd counts whole seconds: what is granted is never shorter. */
  async grantLease(ttlMs: number, options: RequestOptions = {}): Promise<Lease> {
    this.#check({ type: "grant", ttlMs });
    const refused = { what: "a lease" };
    const request = { TTL: Math.ceil(ttlMs / 1_000) };
    return leaseFrom(
      await this.#requests.ask({ name: "LeaseGrant", request, effect: "once", refused }, options),
    );
  }

  async keepLease(id: LeaseId, options: RequestOptions = {}): Promise<Lease> {
    const request = { ID: leaseOf(id) };
    const refused = { what: "a lease's renewal", lease: id };
    const effect = "idempotent";
    const question = { name: "LeaseKeepAlive", request, effect, refused } as const;
    const answer = await this.#requests.ask(question, options);
    if (Number(answer.TTL) <= 0) throw leaseLost(id);
    return leaseFrom(answer);
  }

  async revokeLease(id: LeaseId, options: RequestOptions = {}): Promise<void> {
    const request = { ID: leaseOf(id) };
    const refused = { what: "a lease's end", lease: id };
    const effect = "idempotent";
    try {
      await this.#requests.ask({ name: "LeaseRevoke", request, effect, refused }, options);
    } catch (error) {
      if (!coreErrors.ERR_LEASE_LOST.is(error)) throw error;
    }
  }

  async compact(revision: Revision, options: RequestOptions = {}): Promise<void> {
    this.#check({ type: "compact", revision });
    const request = { revision };
    const refused = { what: "a compaction", revision };
    const effect = "idempotent";
    try {
      await this.#requests.ask({ name: "Compact", request, effect, refused }, options);
    } catch (error) {
      if (!(error instanceof ForgottenRevision)) throw error;
    }
  }

  async close(): Promise<void> {
    await this.#requests.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #check(request: StoreRequest): void {
    const refusal = checkRequest(request, STORE_LIMITS);
    if (refusal) throw refusalError(refusal);
  }

  /** The error of a read of the past; a watch from there is told since when etcd forgets. */
  async #forgotten({ then, else: other = [] }: Transaction, options: RequestOptions) {
    const ranges = [...then, ...other].filter((operation) => operation.type === "range");
    const revisions = ranges.flatMap(({ revision }) => (revision === undefined ? [] : [revision]));
    const revision = Math.min(...revisions);
    const scope = this.#requests.scopeOf(options);
    const watch = this.watch({ key: "\0" }, { from: revision });
    try {
      await scope.until(watch.ready());
    } catch (error) {
      return error;
    } finally {
      await watch.close();
      this.#requests.done(scope);
    }
    return compactedError(revision, revision + 1);
  }
}

function leaseFrom({ ID, TTL }: EtcdLease): Lease {
  return { id: ID, ttlMs: Number(TTL) * 1_000 };
}

/** The leases that puts attach to, for the error that one of them is lost. */
function leasesOf({ then, else: other = [] }: Transaction): string {
  const leases = [...then, ...other].flatMap((operation) =>
    operation.type === "put" && operation.lease !== undefined ? [operation.lease] : [],
  );
  return [...new Set(leases)].join(", ");
}

function bytesOf({ then, else: other = [] }: Transaction): number {
  return [...then, ...other].reduce(
    (sum, operation) => sum + (operation.type === "put" ? operation.value.length : 0),
    0,
  );
}
