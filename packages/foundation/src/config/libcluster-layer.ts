/**
 * translateTopologies: a layer written in libcluster's shape (`topologies: { main: { strategy, config } }`) becomes one
 * in ours: `cluster` and `peers`. What it said stays visible as evidence.
 *
 * Several topologies are united, as libcluster does; of this version's strategies only lists can be.
 */
import { coreErrors } from "@foundation/core";
import type { ConfigLayer, ConfigProblem } from "@foundation/core/config";
import {
  STRATEGY_NAMES,
  discoveryErrors,
  fromLibcluster,
  type TranslatedTopology,
} from "@foundation/discovery";
import type { LibclusterTopology } from "@foundation/discovery";

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
  const { strategy, addresses } = united(found);
  const because = `translated from ${found.map(({ topology }) => `topologies.${topology}`).join(", ")}`;
  return {
    ...layer,
    values: { ...values, cluster: strategy, ...(addresses && { peers: addresses }) },
    evidence: { ...layer.evidence, cluster: because, ...(addresses && { peers: because }) },
  };
}

function united(found: readonly TranslatedTopology[]): {
  readonly strategy: TranslatedTopology["strategy"];
  readonly addresses?: readonly string[];
} {
  const lists = found.flatMap((each) => (each.strategy === "static" ? [each.addresses] : []));
  if (lists.length === 0) return { strategy: "local" };
  if (lists.length === found.length) {
    // libcluster knows no schemes: whether peers are dialled with TLS is this node's `security.tls`.
    const addresses = lists.flat().map((address) => address.replace(/^ws:\/\//, ""));
    return { strategy: "static", addresses: [...new Set(addresses)] };
  }
  throw discoveryErrors.ERR_STRATEGY_UNAVAILABLE(
    "topologies joins a list of hosts (Epmd) with this machine (LocalEpmd): several strategies at once arrive in a " +
      "later version. Keep one of them.",
    { strategy: "several", available: STRATEGY_NAMES },
  );
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
