/**
 * ServicePool: the instances of one service, with what this node remembers of them: the pool, the memory of the
 * strategies, the budget of retries, and the counters.
 *
 * It takes news of instances and of their nodes, and chooses for a request.
 */
import type { Meter, Random } from "@foundation/core";
import { registryErrors } from "../../errors.js";
import type { BalancingRules } from "../../limits.js";
import { assert } from "../../protocol/assert.js";
import { choose, newMemory, type Memory } from "../../protocol/balancing/choose.js";
import type { Distance } from "../../protocol/balancing/contender.js";
import {
  Pool,
  type Candidates,
  type Outcome,
  type PoolChange,
  type Ticket,
} from "../../protocol/balancing/pool.js";
import { RetryBudget } from "../../protocol/balancing/retry-budget.js";
import type { Known, Standing, Verdict } from "../../protocol/balancing/standing.js";
import type { ServiceConstraints } from "../../protocol/services/fitness.js";
import type { ServiceInstance } from "../../protocol/services/record.js";
import type { ServiceDirectory } from "../services/service-directory.js";
import type { Wiring } from "../wiring.js";
import { failureRuleOf } from "./failure-rule.js";
import type { InstanceExplained } from "./load-balancer.js";
import { NOTHING } from "../services/constraint-checks.js";
import type { CheckedRoute } from "./route-options.js";

/** Who gets a request. */
export interface Chosen {
  readonly instance: ServiceInstance;
  readonly ticket: Ticket;
}

export class ServicePool {
  readonly service: string;
  readonly budget: RetryBudget;
  readonly #wiring: Wiring;
  readonly #directory: ServiceDirectory;
  readonly #random: Random;
  readonly #pool: Pool;
  readonly #memory: Memory = newMemory();
  readonly #instances = new Map<string, ServiceInstance>();
  readonly #onChange: (change: PoolChange) => void;
  readonly #counters;

  constructor(
    wiring: Wiring,
    meter: Meter,
    directory: ServiceDirectory,
    service: string,
    rules: BalancingRules,
    onChange: (change: PoolChange) => void,
  ) {
    this.service = service;
    this.#directory = directory;
    this.budget = new RetryBudget(rules.retryShare, rules.retryReserve);
    this.#wiring = wiring;
    this.#random = wiring.random.fork(`balancing ${service}`);
    this.#pool = new Pool(rules, () => failureRuleOf(rules), wiring.clock.now());
    this.#onChange = onChange;
    const labels = { service };
    const count = (what: string, help: string) =>
      meter.counter(`service_${what}_total`, help, labels);
    this.#counters = {
      requests: count("requests", "Requests of this node to the service."),
      failures: count("failures", "Requests that an instance failed to answer."),
      retries: count("retries", "Requests sent again, to another instance."),
      out: count("instances_out", "Instances left alone for failures or slowness."),
    };
  }

  /** True when there is nobody left. */
  get isEmpty(): boolean {
    return this.#instances.size === 0;
  }

  /** An instance is there, or is told of anew. */
  put(instance: ServiceInstance, isNew: boolean): void {
    this.#instances.set(instance.id, instance);
    this.#pool.put(this.#known(instance), isNew, this.#wiring.clock.now());
  }

  remove(id: string): void {
    this.#instances.delete(id);
    this.#pool.remove(id);
    this.#memory.credits.delete(id);
  }

  /** What is known of the nodes changed. */
  refresh(): void {
    for (const instance of this.#instances.values()) this.put(instance, false);
  }

  /** @throws {ERR_NO_INSTANCE} @throws {ERR_ALL_INSTANCES_OUT} */
  choose(route: CheckedRoute): Chosen {
    const candidates = this.#candidates(route, NOBODY);
    if (candidates.type !== "some") throw this.#nobody(candidates, route.constraints);
    this.budget.earn();
    this.#counters.requests.add();
    return this.#begin(candidates.standings, route);
  }

  /** Another instance than those tried, for a retry; undefined when there is none, or no retry left in the budget. */
  another(route: CheckedRoute, tried: ReadonlySet<string>): Chosen | undefined {
    const candidates = this.#candidates(route, tried);
    if (candidates.type !== "some" || !this.budget.spend()) return undefined;
    this.#counters.retries.add();
    return this.#begin(candidates.standings, route);
  }

  /** The request ended. */
  end(ticket: Ticket, outcome: Outcome): void {
    if (outcome === "sick") this.#counters.failures.add();
    this.#report(this.#pool.end(ticket, outcome, this.#wiring.clock.now()));
  }

  explain(constraints: ServiceConstraints): readonly InstanceExplained[] {
    const now = this.#wiring.clock.now();
    this.#report(this.#pool.comeBack(now));
    const explained: InstanceExplained[] = [];
    for (const [standing, verdict] of this.#pool.verdicts(now)) {
      const { id, weight, inFlight, latencyMs, requests, failures } = standing;
      const instance = this.#instances.get(id);
      if (instance === undefined) continue;
      const misfit = this.#misfit(id, constraints);
      const isIn = misfit === undefined && (verdict.type === "in" || verdict.type === "probe");
      const share = verdict.type === "in" ? verdict.share : verdict.type === "last-resort" ? 1 : 0;
      const why = misfit ?? phraseOf(verdict, now);
      const counts = { weight, inFlight, latencyMs, requests, failures };
      explained.push({ id, node: instance.node, isIn, why, share, ...counts });
    }
    return explained.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  #candidates({ strategy, constraints }: CheckedRoute, tried: ReadonlySet<string>): Candidates {
    const now = this.#wiring.clock.now();
    this.#report(this.#pool.comeBack(now));
    const isFree = constraints === NOTHING;
    const wanted = {
      fits: (id: string) =>
        !tried.has(id) && (isFree || this.#misfit(id, constraints) === undefined),
      slowStart: strategy !== "consistent-hash",
      draw: this.#random.next(),
    };
    return this.#pool.candidates(wanted, now);
  }

  #begin(standings: readonly Standing[], { strategy, key }: CheckedRoute): Chosen {
    const chance = { one: this.#random.next(), two: this.#random.next(), key };
    const standing = choose(strategy, standings, this.#memory, chance);
    const instance = standing && this.#instances.get(standing.id);
    assert(standing !== undefined && instance !== undefined, "a strategy chooses one of some");
    return { instance, ticket: this.#pool.begin(standing, this.#wiring.clock.now()) };
  }

  #report(changes: readonly PoolChange[]): void {
    for (const change of changes) {
      if (change.type === "out") this.#counters.out.add();
      this.#onChange(change);
    }
  }

  #misfit(id: string, constraints: ServiceConstraints): string | undefined {
    const instance = this.#instances.get(id);
    if (instance === undefined) return "it is gone";
    return this.#directory.misfitOf(instance, constraints);
  }

  #known(instance: ServiceInstance): Known {
    const { id, weight, node, health, note, takesRequests } = instance;
    const status = this.#wiring.membership.member(node)?.status;
    const isSure = status === "alive";
    return {
      id,
      weight,
      distance: this.#distanceOf(instance),
      shut: takesRequests ? shutBy(health, note) : "it takes no requests",
      hesitant: isSure ? undefined : `its node is ${status ?? "no member"}`,
    };
  }

  #distanceOf({ node, zone }: ServiceInstance): Distance {
    const { self, membership } = this.#wiring;
    if (node === self.node) return 0;
    return zone !== undefined && zone === membership.self.labels["zone"] ? 1 : 2;
  }

  #nobody(candidates: Candidates, constraints: ServiceConstraints): Error {
    const { service } = this;
    if (candidates.type !== "all-out") {
      const asked = Object.keys(constraints).join(", ");
      const reason = asked === "" ? "nobody offers it" : `none meets ${asked}`;
      return registryErrors.ERR_NO_INSTANCE(
        `No instance of "${service}" takes this request: ${reason}; nothing ran`,
        { service, reason },
      );
    }
    const now = this.#wiring.clock.now();
    const phrases = [...candidates.reasons].slice(0, REASONS_MAX);
    const reasons = Object.fromEntries(phrases.map(([id, why]) => [id, phraseOf(why, now)]));
    return registryErrors.ERR_ALL_INSTANCES_OUT(
      `Every instance of "${service}" that fits is out for now ` +
        `(${[...new Set(Object.values(reasons))].join("; ")}); nothing ran`,
      { service, reasons },
    );
  }
}

const NOBODY: ReadonlySet<string> = new Set();

/** Instances that an error names; `explain` names all. */
const REASONS_MAX = 10;

function shutBy(health: string, note: string | undefined): string | undefined {
  if (health === "healthy") return undefined;
  if (health === "starting") return "its first health check has not ended";
  return note === undefined ? "it is unhealthy" : `it is unhealthy: ${note}`;
}

/** A verdict as one phrase. */
function phraseOf(verdict: Verdict, now: number): string {
  switch (verdict.type) {
    case "in":
      return verdict.share < 1
        ? `in, with ${Math.round(verdict.share * 100)} % of its share`
        : "in";
    case "probe":
      return "its circuit is open and its time is up: the next request tries it";
    case "probing":
      return "its circuit is open and one request is trying it";
    case "circuit-open":
      return `its circuit is open for ${Math.ceil(verdict.untilMs - now)} ms more`;
    case "slow":
      return `it is slow and left alone for ${Math.ceil(verdict.untilMs - now)} ms more`;
    case "last-resort":
    case "shut":
      return verdict.why;
    default:
      return verdict satisfies never;
  }
}
