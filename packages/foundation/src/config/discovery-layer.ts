/**
 * translateDiscovery: a layer that says `discovery: { primary, secondary }` becomes one that says `cluster`: what any of the
 * primary strategies finds, and while all of them fail, what any of the secondary ones does.
 */
import { coreErrors, type DiscoveryStrategy } from "@foundation/core";
import type { ConfigLayer } from "@foundation/core/config";
import { fallback, union } from "@foundation/discovery";

/** Several strategies at once, in two ranks. */
export interface DiscoveryConfig {
  /** Asked always; one strategy or several, what any of them finds counts. */
  readonly primary: readonly DiscoveryStrategy[];
  /** Asked only while the primary ones fail, and left when they are well again for a minute. @default none */
  readonly secondary?: readonly DiscoveryStrategy[];
}

/**
 * The layer without `discovery`; the same layer when it has none.
 *
 * @throws {ERR_INVALID_ARGUMENT} when it is no such group, or stands beside `cluster`
 */
export function translateDiscovery(layer: ConfigLayer): ConfigLayer {
  const { discovery, ...values } = layer.values;
  if (discovery === undefined) return layer;
  const { primary, secondary = [] } = checked(discovery, layer);
  if (values["cluster"] !== undefined) {
    throw invalid(layer, "either discovery or cluster, not both in one layer", "both");
  }
  const best = all(primary);
  const cluster = secondary.length === 0 ? best : fallback([best, all(secondary)]);
  return {
    ...layer,
    values: { ...values, cluster },
    evidence: { ...layer.evidence, cluster: "made of discovery.primary and discovery.secondary" },
  };
}

function all(strategies: readonly DiscoveryStrategy[]): DiscoveryStrategy {
  const [only] = strategies;
  return strategies.length === 1 && only !== undefined ? only : union(strategies);
}

function checked(discovery: unknown, layer: ConfigLayer): DiscoveryConfig {
  const group = discovery as Partial<DiscoveryConfig> | null;
  const expected = "{ primary: [a strategy, …], secondary?: [a strategy, …] }";
  if (typeof group !== "object" || group === null) throw invalid(layer, expected, typeof discovery);
  const unknown = Object.keys(group).find((key) => key !== "primary" && key !== "secondary");
  if (unknown !== undefined) throw invalid(layer, expected, unknown);
  const { primary, secondary = [] } = group;
  if (!areStrategies(primary) || primary.length === 0) {
    throw invalid(layer, `${expected} with strategies such as kubernetes()`, "no primary strategy");
  }
  if (!areStrategies(secondary)) throw invalid(layer, expected, "a secondary that is no strategy");
  return { primary, secondary };
}

function areStrategies(value: unknown): value is readonly DiscoveryStrategy[] {
  return Array.isArray(value) && value.every((each) => typeof each?.discover === "function");
}

function invalid({ name }: ConfigLayer, expected: string, found: string): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(
    `discovery (in the ${name} layer) must be ${expected}, found ${found}`,
    { argument: "discovery", expected, found },
  );
}
