/** How the options of `route` are checked, with every default in its place; and the rules of balancing. */
import { coreErrors } from "@foundation/core";
import { checkOptions } from "../given.js";
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

/** What a request without constraints asks for. */
export const NOTHING: ServiceConstraints = {};
const CONSTRAINTS: readonly string[] = [
  "cpu",
  "memory",
  "capability",
  "capabilities",
  "labels",
  "node",
  "zone",
];

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkRoute(options: RouteOptions, limits: RegistryLimits): CheckedRoute {
  checkOptions("loadBalancer", options);
  const { key, retries = 2, constraints = NOTHING, signal } = options;
  const strategy = options.strategy ?? (key === undefined ? "least-latency" : "consistent-hash");
  if (!STRATEGIES.includes(strategy)) {
    throw invalid("strategy", STRATEGIES.join(", "), String(strategy));
  }
  if ((key !== undefined) !== (strategy === "consistent-hash")) {
    throw invalid("key", 'given with "consistent-hash" and with nothing else', String(key));
  }
  if (key !== undefined && typeof key !== "string") throw invalid("key", "a text", typeof key);
  if (!Number.isSafeInteger(retries) || retries < 0) {
    throw invalid("retries", "an integer of at least 0", String(retries));
  }
  checkConstraints(constraints);
  const timeoutMs = timeoutOf(options, limits);
  return { strategy, key: key ?? "", constraints, retries, timeoutMs, signal };
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkConstraints(constraints: ServiceConstraints): void {
  if (constraints === NOTHING) return;
  if (typeof constraints !== "object" || constraints === null) {
    throw invalid("constraints", "an object", String(constraints));
  }
  for (const name of Object.keys(constraints)) {
    if (!CONSTRAINTS.includes(name)) throw invalid("constraints", CONSTRAINTS.join(", "), name);
  }
  for (const name of ["cpu", "memory"] as const) {
    const limit = constraints[name];
    if (limit === undefined) continue;
    const { below } = limit;
    if (typeof below === "number" && below > 0 && below <= 1) continue;
    throw invalid(`constraints.${name}.below`, "a number above 0, 1 at most", String(below));
  }
}

/** The rules with the given ones in their place. @throws {ERR_INVALID_ARGUMENT} */
export function checkRules(given: Partial<BalancingRules> = {}): BalancingRules {
  const rules: Record<string, number> = { ...defaultBalancing };
  for (const [name, value] of Object.entries<number | undefined>(given)) {
    if (!Object.hasOwn(rules, name))
      throw invalid("balancing", Object.keys(rules).join(", "), name);
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
      throw invalid(`balancing.${name}`, expected, String(value));
    }
    rules[name] = value;
  }
  const checked = rules as unknown as BalancingRules;
  const { circuitFailureShare, circuitRequestsMin, circuitWindow } = checked;
  if (circuitRequestsMin > circuitWindow) {
    throw invalid(
      "balancing.circuitRequestsMin",
      `at most circuitWindow, ${circuitWindow}`,
      String(circuitRequestsMin),
    );
  }
  if (circuitFailureShare === 0 || circuitFailureShare === 1) {
    throw invalid("balancing.circuitFailureShare", "between 0 and 1", String(circuitFailureShare));
  }
  return checked;
}

function invalid(argument: string, expected: string, found: string): Error {
  const shown = found.slice(0, 64);
  return coreErrors.ERR_INVALID_ARGUMENT(
    `loadBalancer: ${argument} must be ${expected}; found "${shown}"`,
    { argument, expected, found: shown },
  );
}
