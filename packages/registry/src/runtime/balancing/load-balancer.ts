/** The face of load balancing: what `registry.loadBalancer` is. */
import type { NodeId } from "@foundation/core";
import type { Strategy } from "../../protocol/balancing/contender.js";
import type { ServiceConstraints } from "../../protocol/services/fitness.js";
import type { OperationOptions } from "../supervision/start-options.js";

/** Options of `route`. */
export interface RouteOptions extends OperationOptions {
  /**
   * Which instance gets the request: each in turn; by chance; the one with the fewest of this node's requests under way;
   * of two drawn by chance, the one likely to answer first; by weight; by `key`, the same from every node; the nearest
   * (this node, its zone, the others).
   * @default "least-latency"; with a `key`, "consistent-hash"
   */
  readonly strategy?: Strategy | undefined;
  /** Equal keys go to the same instance. Required by, and only for, `consistent-hash`. */
  readonly key?: string | undefined;
  /** What an instance and its node must offer. @default anything */
  readonly constraints?: ServiceConstraints | undefined;
  /**
   * How often it may be sent to another instance: after an error that says that nothing ran, and after any that a
   * retry may cure where the service is `idempotent`; within the timeout, and within the budget that all requests of the
   * service share. @default 2
   */
  readonly retries?: number | undefined;
}

/** Why an instance gets requests, or does not, from this node. */
export interface InstanceExplained {
  readonly id: string;
  readonly node: NodeId;
  /** True when the next request may go there. */
  readonly isIn: boolean;
  /** For people: `in`, or what keeps it out and how long. */
  readonly why: string;
  /** Of its part of the requests, what it gets: below 1 while it is new or has come back. */
  readonly share: number;
  readonly weight: number;
  /** Requests of this node that it has not answered yet. */
  readonly inFlight: number;
  /** What a request is expected to take, in milliseconds; 0 while nothing is known. */
  readonly latencyMs: number;
  /** Counted on this node since it learnt of the instance. */
  readonly requests: number;
  readonly failures: number;
}

/** A service, as this node routes to it. */
export interface ServiceExplained {
  readonly service: string;
  /** Ordered by id. */
  readonly instances: readonly InstanceExplained[];
  /** Retries that may be made now. */
  readonly retriesLeft: number;
}

/** An instance left or came back, as this node sees it. */
export type BalancingEvent =
  | {
      readonly type: "out";
      readonly service: string;
      readonly instance: string;
      readonly reason: "circuit-open" | "slow";
      /** After so many milliseconds it is tried again. */
      readonly forMs: number;
    }
  | { readonly type: "in"; readonly service: string; readonly instance: string };

/** Requests to services, sent to one of their instances. What is known of instances is known to this node only. */
export interface LoadBalancer {
  /**
   * Sends a request to an instance of the service and gives its answer.
   *
   * What an instance answers with, value or error, is the answer. An instance that fails too often gets no more requests
   * for a while, then one to see; one much slower than the others is left alone for a while; both begin again with a
   * small share. A retry goes to another instance than those that were asked.
   * @throws {ERR_NO_INSTANCE} @throws {ERR_ALL_INSTANCES_OUT} @throws {ERR_BULKHEAD_FULL} nothing ran.
   * @throws {ERR_TIMEOUT} @throws {ERR_ABORTED} @throws {ERR_NODE_UNREACHABLE} nothing ran.
   * @throws {ERR_OUTCOME_UNKNOWN} it may have run. @throws {ERR_INVALID_ARGUMENT} @throws {ERR_NOT_ENCODABLE}
   * @throws {ERR_CLOSED} Any error that the instance answered with.
   */
  route<Reply = unknown>(service: string, request: unknown, options?: RouteOptions): Promise<Reply>;
  /** Who of a service is in, who is out, and why; with `constraints`, for such requests. */
  explain(
    service: string,
    options?: { readonly constraints?: ServiceConstraints | undefined },
  ): ServiceExplained;
  /** Instances that leave and come back from now on. */
  watch(options?: {
    readonly signal?: AbortSignal | undefined;
  }): AsyncIterableIterator<BalancingEvent>;
}
