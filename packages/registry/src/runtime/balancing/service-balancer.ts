/**
 * ServiceBalancer: requests to services, one attempt after the other.
 *
 * A pool for each service that was ever routed to and has instances; it learns of instances from the directory and of
 * nodes from the membership. No timer of its own: attempts end by the messenger's deadlines, and what ends by time in a
 * pool is settled when the next request comes.
 * Limits: `routedMax` requests of this node under way; `watchBuffer`.
 */
import {
  boundedStream,
  checkOptions,
  checkText,
  coreErrors,
  type BoundedStream,
  type Meter,
} from "@foundation/core";
import { registryErrors } from "../../errors.js";
import type { BalancingRules } from "../../limits.js";
import { mayAskAgain, outcomeOf } from "../../protocol/balancing/outcome.js";
import type { PoolChange } from "../../protocol/balancing/pool.js";
import type { ServiceConstraints } from "../../protocol/services/fitness.js";
import { checkConstraints } from "../services/constraint-checks.js";
import type { ServiceDirectory } from "../services/service-directory.js";
import type { ServiceEvent } from "../services/services.js";
import type { Wiring } from "../wiring.js";
import { ask, type Answer } from "./attempt.js";
import type {
  BalancingEvent,
  LoadBalancer,
  RouteOptions,
  ServiceExplained,
} from "./load-balancer.js";
import { checkRoute, type CheckedRoute } from "./route-options.js";
import { ServicePool, type Chosen } from "./service-pool.js";

export class ServiceBalancer implements LoadBalancer {
  readonly #wiring: Wiring;
  readonly #meter: Meter;
  readonly #directory: ServiceDirectory;
  readonly #rules: BalancingRules;
  readonly #pools = new Map<string, ServicePool>();
  readonly #watchers = new Set<BoundedStream<BalancingEvent>>();
  readonly #stops: (() => void)[];
  #underWay = 0;
  #closed = false;

  constructor(wiring: Wiring, meter: Meter, directory: ServiceDirectory, rules: BalancingRules) {
    this.#wiring = wiring;
    this.#meter = meter;
    this.#directory = directory;
    this.#rules = rules;
    this.#stops = [
      directory.subscribe((event) => this.#onService(event)),
      wiring.membership.subscribe(() => {
        for (const pool of this.#pools.values()) pool.refresh();
      }),
    ];
  }

  async route<Reply = unknown>(
    service: string,
    request: unknown,
    options: RouteOptions = {},
  ): Promise<Reply> {
    checkText("loadBalancer", "the service", service);
    const checked = checkRoute(options, this.#wiring.limits);
    this.#assertOpen();
    const { routedMax } = this.#wiring.limits;
    if (this.#underWay >= routedMax) throw tooMany(service, routedMax);
    if (checked.signal?.aborted === true) throw givenUp(service);
    this.#underWay += 1;
    try {
      return (await this.#route(service, request, checked)) as Reply;
    } finally {
      this.#underWay -= 1;
    }
  }

  explain(
    service: string,
    options: { readonly constraints?: ServiceConstraints | undefined } = {},
  ): ServiceExplained {
    checkText("loadBalancer", "the service", service);
    checkOptions("loadBalancer", options, ["constraints"]);
    const { constraints = {} } = options;
    checkConstraints("loadBalancer", constraints);
    const pool = this.#poolOf(service);
    return {
      service,
      instances: pool?.explain(constraints) ?? [],
      retriesLeft: pool?.budget.left ?? this.#rules.retryReserve,
    };
  }

  watch(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncIterableIterator<BalancingEvent> {
    this.#assertOpen();
    checkOptions("loadBalancer.watch", options, ["signal"]);
    const stream = boundedStream<BalancingEvent>({
      name: "loadBalancer.watch",
      buffer: this.#wiring.limits.watchBuffer,
      overflow: "drop-oldest",
      signal: options.signal,
      onEnd: () => this.#watchers.delete(stream),
    });
    if (!stream.ended) this.#watchers.add(stream);
    return stream.iterator;
  }

  close(): void {
    this.#closed = true;
    for (const stop of this.#stops) stop();
    for (const stream of [...this.#watchers]) stream.end();
    this.#pools.clear();
  }

  async #route(service: string, request: unknown, route: CheckedRoute): Promise<unknown> {
    const { clock, messenger } = this.#wiring;
    const beganMs = clock.now();
    const tried = new Set<string>();
    let failed: Extract<Answer, { ok: false }> | undefined;
    for (;;) {
      const leftMs = route.timeoutMs - (clock.now() - beganMs);
      // Whoever cannot be asked again gets the answer there is.
      if (failed !== undefined && leftMs <= 0) throw failed.error;
      const next =
        failed === undefined ? this.#first(service, route) : this.#next(service, route, tried);
      if (next === undefined) throw failed?.error;
      const { pool, chosen } = next;
      const { instance, ticket } = chosen;
      tried.add(instance.id);
      const answer = await ask(messenger, instance, request, leftMs, route.signal);
      pool.end(ticket, answer.ok ? "well" : outcomeOf(answer.failure));
      if (answer.ok) return answer.value;
      if (!mayAskAgain(answer.failure, instance.idempotent)) throw answer.error;
      failed = answer;
    }
  }

  /** @throws {ERR_NO_INSTANCE} @throws {ERR_ALL_INSTANCES_OUT} */
  #first(service: string, route: CheckedRoute): { pool: ServicePool; chosen: Chosen } {
    const pool = this.#poolOf(service);
    if (pool === undefined) throw unknown(service);
    return { pool, chosen: pool.choose(route) };
  }

  /** Another instance for a retry, if there is one and the budget has one left. */
  #next(
    service: string,
    route: CheckedRoute,
    tried: ReadonlySet<string>,
  ): { pool: ServicePool; chosen: Chosen } | undefined {
    const pool = this.#poolOf(service);
    if (pool === undefined || tried.size > route.retries) return undefined;
    const chosen = pool.another(route, tried);
    return chosen && { pool, chosen };
  }

  #poolOf(service: string): ServicePool | undefined {
    const known = this.#pools.get(service);
    if (known !== undefined) return known;
    const instances = [...this.#directory.instances(service)];
    if (instances.length === 0 || this.#closed) return undefined;
    const pool = new ServicePool(
      this.#wiring,
      this.#meter,
      this.#directory,
      service,
      this.#rules,
      (change) => this.#tell(service, change),
    );
    for (const instance of instances) pool.put(instance, false);
    this.#pools.set(service, pool);
    return pool;
  }

  #onService(event: ServiceEvent): void {
    const { instance } = event;
    const pool = this.#pools.get(instance.service);
    if (pool === undefined) return;
    if (event.type !== "deregistered") return pool.put(instance, event.type === "registered");
    pool.remove(instance.id);
    if (pool.isEmpty) this.#pools.delete(instance.service);
  }

  #tell(service: string, change: PoolChange): void {
    const { id: instance } = change;
    const event: BalancingEvent =
      change.type === "in"
        ? { type: "in", service, instance }
        : {
            type: "out",
            service,
            instance,
            reason: change.reason,
            forMs: change.untilMs - this.#wiring.clock.now(),
          };
    const { logger } = this.#wiring;
    if (event.type === "out") logger.warn("An instance of a service is left alone", { ...event });
    else logger.info("An instance of a service is back", { ...event });
    for (const stream of this.#watchers) stream.push(event);
  }

  #assertOpen(): void {
    if (!this.#closed) return;
    throw coreErrors.ERR_CLOSED("The registry is closed: it routes no more requests", {
      what: "loadBalancer",
    });
  }
}

function unknown(service: string): Error {
  const reason = "nobody offers it";
  return registryErrors.ERR_NO_INSTANCE(
    `No instance of "${service}" is known here: ${reason}; nothing ran`,
    { service, reason },
  );
}

function tooMany(service: string, limit: number): Error {
  return registryErrors.ERR_BULKHEAD_FULL(
    `${limit} requests of this node to services wait for an answer (limits.routedMax); ` +
      `the one to "${service}" was not sent`,
    { service, limit, where: "caller" },
  );
}

function givenUp(service: string): Error {
  return coreErrors.ERR_ABORTED(`The caller gave up before the request to "${service}" was sent`, {
    target: service,
  });
}
