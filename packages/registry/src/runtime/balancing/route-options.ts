/** How the options of `route` are checked, with every default in its place; and the rules of balancing. */
import { checkOptions, invalidArgument } from "@foundation/core";
import { checkConstraints, NOTHING } from "../services/constraint-checks.js";
import { STRATEGIES, type Strategy } from "../../protocol/balancing/contender.js";
import type { ServiceConstraints } from "../../protocol/services/fitness.js";
import { defaultBalancing, type BalancingRules, type RegistryLimits } from "../../limits.js";
import { timeoutOf } from "../supervision/start-options.js";
import type { RouteOptions } from "./load-balancer.js";

/** Options with every default in its place. */
export interface CheckedRoute {
  readonly strategy: Strategy;
  readonly key: string;
  readonly constraints: ServiceConstraints;
  readonly retries: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

const KNOWN: readonly string[] = [
  ...["strategy", "key", "constraints", "retries", "timeout", "signal"],
];

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkRoute(options: RouteOptions, limits: RegistryLimits): CheckedRoute {
  checkOptions("loadBalancer", options, KNOWN);
  const { key, retries = 2, constraints = NOTHING, signal } = options;
  const { strategy = key === undefined ? "least-latency" : "consistent-hash" } = options;
  if (!STRATEGIES.includes(strategy)) {
    throw invalid("strategy", `one of ${STRATEGIES.join(", ")}`, strategy);
  }
  if ((key !== undefined) !== (strategy === "consistent-hash")) {
    throw invalid("key", 'given with "consistent-hash" and with nothing else', key);
  }
  if (key !== undefined && typeof key !== "string") throw invalid("key", "a text", key);
  if (!Number.isSafeInteger(retries) || retries < 0) {
    throw invalid("retries", "an integer of at least 0", retries);
  }
  checkConstraints("loadBalancer", constraints);
  const timeoutMs = timeoutOf(options, limits);
  return { strategy, key: key ?? "", constraints, retries, timeoutMs, signal };
}

/** The rules with the given ones in their place. @throws {ERR_INVALID_ARGUMENT} */
export function checkRules(given: Partial<BalancingRules> = {}): BalancingRules {
  const rules: Record<string, number> = { ...defaultBalancing };
  for (const [name, value] of Object.entries<number | undefined>(given)) {
    if (!Object.hasOwn(rules, name))
      throw invalid("balancing", `one of ${Object.keys(rules).join(", ")}`, name);
    if (value === undefined) continue;
    const isShare = name.includes("Share");
    const isCount = name === "circuitWindow" || name.endsWith("Min");
    const expected = isShare
      ? "a share from 0 to 1"
      : isCount
        ? "a whole number above 0"
        : "above 0";
    const fits = isShare ? value >= 0 && value <= 1 : value > 0;
    if (!Number.isFinite(value) || !fits || (isCount && !Number.isSafeInteger(value))) {
      throw invalid(`balancing.${name}`, expected, value);
    }
    rules[name] = value;
  }
  const checked = rules as unknown as BalancingRules;
  const { circuitFailureShare, circuitRequestsMin, circuitWindow } = checked;
  if (circuitRequestsMin > circuitWindow) {
    throw invalid(
      "balancing.circuitRequestsMin",
      `at most circuitWindow, ${circuitWindow}`,
      circuitRequestsMin,
    );
  }
  if (circuitFailureShare === 0 || circuitFailureShare === 1) {
    throw invalid("balancing.circuitFailureShare", "between 0 and 1", circuitFailureShare);
  }
  return checked;
}

function invalid(argument: string, expected: string, value: unknown): Error {
  return invalidArgument("loadBalancer", argument, expected, value);
}
