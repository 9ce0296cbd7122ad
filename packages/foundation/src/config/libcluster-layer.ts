/**
 * translateTopologies: a layer written in libcluster's shape (`topologies: { main: { strategy, config } }`) becomes one
 * in ours: `cluster` and `peers`. What it said stays visible as evidence. Several topologies are united, as libcluster does.
 */
import { coreErrors, type DiscoveryStrategy } from "@foundation/core";
import type { ConfigLayer, ConfigProblem } from "@foundation/core/config";
import {
  fromLibcluster,
  strategyOfTopology,
  union,
  type LibclusterTopology,
  type StrategyName,
  type TranslatedTopology,
} from "@foundation/discovery";

/**
 * The layer without `topologies`; the same layer when it has none.
 *
 * @throws {ERR_STRATEGY_UNAVAILABLE} @throws {ERR_INVALID_ARGUMENT} @throws {ERR_PEER_ADDRESS}
 */
export function translateTopologies(layer: ConfigLayer): ConfigLayer {
  const { topologies, ...values } = layer.values;
  if (topologies === undefined) return layer;
  if (values["cluster"] !== undefined || values["peers"] !== undefined) {
    return { ...layer, values, problems: [...(layer.problems ?? []), bothWays(layer)] };
  }
  const found = fromLibcluster(checked(topologies, layer));
  const { cluster, peers } = united(found);
  const because = `translated from ${found.map(({ topology }) => `topologies.${topology}`).join(", ")}`;
  return {
    ...layer,
    values: { ...values, cluster, ...(peers && { peers }) },
    evidence: { ...layer.evidence, cluster: because, ...(peers && { peers: because }) },
  };
}

/** Lists become one list, in our own words; whatever else there is becomes a strategy with its options. */
function united(found: readonly TranslatedTopology[]): {
  readonly cluster: StrategyName | DiscoveryStrategy;
  readonly peers?: readonly string[];
} {
  const lists = found.flatMap((each) => (each.strategy === "static" ? [each.addresses] : []));
  if (lists.length === found.length) {
    // libcluster knows no schemes: whether peers are dialled with TLS is this node's `security.tls`.
    const addresses = lists.flat().map((address) => address.replace(/^ws:\/\//, ""));
    return { cluster: "static", peers: [...new Set(addresses)] };
  }
  if (found.every(({ strategy }) => strategy === "local")) return { cluster: "local" };
  const strategies = found.map(strategyOfTopology);
  const [only] = strategies;
  const isOne = strategies.length === 1 && only !== undefined;
  return { cluster: isOne ? only : union(strategies) };
}

function checked(topologies: unknown, { name }: ConfigLayer): Record<string, LibclusterTopology> {
  const isGroup = typeof topologies === "object" && topologies !== null;
  if (isGroup && !Array.isArray(topologies) && Object.keys(topologies).length > 0) {
    return topologies as Record<string, LibclusterTopology>;
  }
  const expected = "{ main: { strategy, config } } with one topology or more";
  const found = Array.isArray(topologies) ? "an array" : isGroup ? "none" : typeof topologies;
  throw coreErrors.ERR_INVALID_ARGUMENT(
    `topologies (in the ${name} layer) must be ${expected}, found ${found}`,
    { argument: "topologies", expected, found },
  );
}

function bothWays({ name }: ConfigLayer): ConfigProblem {
  return {
    path: "topologies",
    layer: name,
    expected: "either topologies, in libcluster's shape, or cluster and peers",
    found: "both",
    fix: "Remove one of them.",
  };
}
