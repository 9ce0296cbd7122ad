/** The rule by which circuits open: too large a share of the last requests failed, counted by cockatiel. */
import type { CircuitState } from "cockatiel";
import { CountBreaker } from "#cockatiel";
import type { BalancingRules } from "../../limits.js";
import type { FailureRule } from "../../protocol/balancing/circuit.js";

/** Of cockatiel's states, by number: its own enum would load it. */
const CLOSED: CircuitState.Closed = 0;
const HALF_OPEN: CircuitState.HalfOpen = 2;

export function failureRuleOf(rules: BalancingRules): FailureRule {
  const window = new CountBreaker({
    threshold: rules.circuitFailureShare,
    size: rules.circuitWindow,
    minimumNumberOfCalls: rules.circuitRequestsMin,
  });
  return {
    succeeded: (wasProbe) => window.success(wasProbe ? HALF_OPEN : CLOSED),
    failed: (wasProbe) => window.failure(wasProbe ? HALF_OPEN : CLOSED),
  };
}
