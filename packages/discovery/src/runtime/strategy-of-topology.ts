/** strategyOfTopology: the strategy that a translated topology of libcluster is. */
import type { DiscoveryStrategy } from "@foundation/core";
import { gossip } from "../gossip/gossip.js";
import { kubernetes } from "../kubernetes/kubernetes.js";
import type { TranslatedTopology } from "../protocol/libcluster.js";
import { dns } from "../strategies/dns.js";
import { local } from "../strategies/local.js";
import { staticList } from "../strategies/static-list.js";

/**
 * Makes the strategy, with the options that the topology gave it.
 *
 * @throws {ERR_INVALID_ARGUMENT} when an option is none of what it may be
 *
 * @example
 * ```ts
 * import { fromLibcluster, strategyOfTopology, union } from "@foundation/discovery"
 *
 * const topologies = fromLibcluster({
 *   pods: { strategy: "Cluster.Strategy.Kubernetes.DNS", config: { service: "shop-nodes" } },
 *   lan: { strategy: "Cluster.Strategy.Gossip" },
 * })
 * const strategy = union(topologies.map(strategyOfTopology))
 * ```
 */
export function strategyOfTopology(topology: TranslatedTopology): DiscoveryStrategy {
  switch (topology.strategy) {
    case "local":
      return local();
    case "static":
      // libcluster knows no schemes: such peers are dialled as the node itself is.
      return staticList({
        addresses: topology.addresses.map((each) => each.replace(/^ws:\/\//, "")),
      });
    case "dns":
      return dns(topology.options);
    case "gossip":
      return gossip(topology.options);
    case "kubernetes":
      return kubernetes(topology.options);
    default:
      return topology satisfies never;
  }
}
