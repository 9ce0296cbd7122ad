/**
 * cockatiel: the package of that name, loaded when the first service is offered or routed to.
 *
 * Most nodes do neither while they start, and loading it takes 16 to 22 ms of the processor. A registration answers at
 * once, so it is loaded by `require`. Only what counts and waits is used of it: the bulkhead, and the window of outcomes
 * that says when failures are too many. Its policies with times read the machine's clock, which would make a simulated
 * run depend on the machine.
 */
import { createRequire } from "node:module";
import type { BulkheadPolicy, CountBreaker } from "cockatiel";
import type { BalancingRules } from "../../limits.js";
import type { FailureRule } from "../../protocol/balancing/circuit.js";

/** What we use of it, as it exports it. */
interface UsedOfCockatiel {
  readonly bulkhead: (limit: number, queue: number) => BulkheadPolicy;
  readonly CountBreaker: typeof CountBreaker;
  readonly CircuitState: { readonly Closed: 0; readonly HalfOpen: 2 };
}

let loaded: UsedOfCockatiel | undefined;

function load(): UsedOfCockatiel {
  loaded ??= createRequire(import.meta.url)("cockatiel") as UsedOfCockatiel;
  return loaded;
}

/** Runs `limit` functions at once; `queue` more wait for their turn. */
export function bulkheadOf(limit: number, queue: number): BulkheadPolicy {
  return load().bulkhead(limit, queue);
}

/** A circuit opens when too large a share of the last requests failed. */
export function failureRuleOf(rules: BalancingRules): FailureRule {
  const { CountBreaker: Window, CircuitState: state } = load();
  const window = new Window({
    threshold: rules.circuitFailureShare,
    size: rules.circuitWindow,
    minimumNumberOfCalls: rules.circuitRequestsMin,
  });
  return {
    succeeded: (wasProbe) => window.success(wasProbe ? state.HalfOpen : state.Closed),
    failed: (wasProbe) => window.failure(wasProbe ? state.HalfOpen : state.Closed),
  };
}
