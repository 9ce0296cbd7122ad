/** The face of services: what `registry.services` is. */
import type { Duration, NodeId, TraceContext } from "@foundation/core";
import type { ServiceConstraints } from "../../protocol/services/fitness.js";
import type { Health } from "../../protocol/services/health.js";
import type { ServiceInstance } from "../../protocol/services/record.js";
import type { ClusterRef } from "../calls/process-reference.js";
import type { OperationOptions } from "../supervision/start-options.js";

/** What a handler of a service gets beside the request. */
export interface ServiceContext {
  readonly service: string;
  /** Who sent the request. */
  readonly from: NodeId;
  /** Fires when the caller gave up or its time is over. */
  readonly signal: AbortSignal;
  /** Monotonic time of the clock after which nobody waits for the answer. */
  readonly deadline: number | undefined;
  readonly trace: TraceContext | undefined;
}

/** What a health check answers. */
export type HealthAnswer = boolean | { readonly healthy: boolean; readonly note?: string };

/** What can be said of an instance, and said anew by `update`. */
export interface ServiceDescription {
  /** What it can do, for `discover` and `route`. @default none */
  readonly capabilities?: readonly string[] | undefined;
  /** Plain data for whoever discovers it. */
  readonly metadata?: unknown;
  /** Its share of the requests, relative to the other instances'. Above 0. @default 1 */
  readonly weight?: number | undefined;
  /** Where it is, for `locality`. @default its node's label `zone` */
  readonly zone?: string | undefined;
  /** @default none: those of its node count */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** Options of `register`. */
export interface ServiceOptions extends ServiceDescription {
  /**
   * Answers requests, on this node; its value or error is the caller's. Without it and without `process` the instance
   * can be discovered only.
   */
  readonly handle?: ((request: unknown, context: ServiceContext) => unknown) | undefined;
  /**
   * A process that answers instead, by a call handler. Requests come to this node and are called on from here. While the
   * process runs nowhere they are refused, and may be sent to another instance.
   */
  readonly process?: { readonly ref: ClusterRef; readonly handler: string } | undefined;
  /** Says whether it is well. Throwing is not. @default it is while it is registered; a process: while it runs */
  readonly health?: (() => HealthAnswer | Promise<HealthAnswer>) | undefined;
  /** Between two checks, at least 10 ms. @default "10s" */
  readonly healthInterval?: Duration | undefined;
  /** A check that takes longer has failed; at least 10 ms. @default "2s" */
  readonly healthTimeout?: Duration | undefined;
  /** Good checks in a row that make it healthy again. @default 2 */
  readonly rise?: number | undefined;
  /** Failed checks in a row that make it unhealthy. @default 3 */
  readonly fall?: number | undefined;
  /** Requests it works on at once; the others wait their turn. @default limits.serviceConcurrency */
  readonly concurrency?: number | undefined;
  /**
   * True: a request may run twice without harm, so one whose outcome is unknown is sent to another instance.
   * @default false
   */
  readonly idempotent?: boolean | undefined;
}

/** An instance of this node. */
export interface ServiceHandle extends AsyncDisposable {
  readonly id: string;
  readonly service: string;
  /** What its checks say. */
  readonly health: Health;
  /** Requests it works on, and those that wait. */
  readonly underWay: number;
  /** Says anew what is given, and leaves the rest. @throws {ERR_INVALID_ARGUMENT} @throws {ERR_CLOSED} */
  update(description: ServiceDescription): void;
  /**
   * Takes it away: nobody is sent here any more. Resolves when what it works on has been answered, or after the grace
   * period. Idempotent.
   */
  deregister(): Promise<void>;
}

/** What `discover` looks for. All that is said must hold. */
export interface ServiceFilter extends ServiceConstraints {
  readonly name?: string | undefined;
  /** @default "healthy" */
  readonly health?: Health | "any" | undefined;
}

/** A change of a service, as this node learns it. */
export type ServiceEvent =
  | { readonly type: "registered"; readonly instance: ServiceInstance }
  | {
      readonly type: "updated";
      readonly instance: ServiceInstance;
      readonly previous: ServiceInstance;
    }
  | { readonly type: "deregistered"; readonly instance: ServiceInstance };

/** Services of the cluster: who offers what, and whether it is well. */
export interface Services {
  /**
   * Offers an instance of a service on this node. It is known here at once and elsewhere after the turn; with a health
   * check it takes requests once the first check has said that it is well.
   * @throws {ERR_NAME_INVALID} @throws {ERR_INVALID_ARGUMENT} @throws {ERR_NOT_ENCODABLE} @throws {ERR_QUEUE_FULL}
   * @throws {ERR_CLOSED}
   *
   * @example
   * ```ts
   * import type { Registry } from "@foundation/registry"
   *
   * async function greet({ services, loadBalancer }: Registry): Promise<unknown> {
   *   services.register("greeter", { handle: (name) => `hello ${String(name)}`, capabilities: ["v2"] })
   *   return loadBalancer.route("greeter", "ann", { constraints: { capability: "v2" }, timeout: "1s" })
   * }
   * ```
   */
  register(name: string, options: ServiceOptions): ServiceHandle;
  /**
   * The instances that fit, as this node knows them, ordered by id; with `atLeast` once there are so many.
   * @throws {ERR_TIMEOUT} there were not so many in time. @throws {ERR_ABORTED} @throws {ERR_CLOSED}
   */
  discover(
    filter?: ServiceFilter,
    options?: OperationOptions & { readonly atLeast?: number | undefined },
  ): Promise<readonly ServiceInstance[]>;
  /** Names with at least one instance, in order. */
  names(): readonly string[];
  /** First the present instances of a service (or of all) as `registered`, then every change this node learns of. */
  watch(options?: {
    readonly name?: string | undefined;
    readonly signal?: AbortSignal | undefined;
  }): AsyncIterableIterator<ServiceEvent>;
}
