/**
 * Which topology a cluster of a size should have, seen from the one it has.
 *
 * Between two topologies lies a band of sizes in which either may stay (hysteresis), so a size that
 * varies around a threshold does not switch back and forth.
 *
 * Invariant: `nextTopology` of its own result is that result.
 */
import { assert } from "../assert.js";
import type { SwitchThresholds } from "./limits.js";
import { topologyNames, type TopologyName } from "./topologies.js";

/** The topology for a cluster of `count` members that has the topology `from`. */
export function nextTopology(
  from: TopologyName,
  count: number,
  thresholds: SwitchThresholds,
): TopologyName {
  const { fullMeshMax, hyparviewMin, hyparviewMax, clientServerMin } = thresholds;
  switch (from) {
    case "full-mesh":
      if (count > hyparviewMax) return "client-server";
      return count > fullMeshMax ? "hyparview" : "full-mesh";
    case "hyparview":
      if (count > hyparviewMax) return "client-server";
      return count < hyparviewMin ? "full-mesh" : "hyparview";
    case "client-server":
      if (count < hyparviewMin) return "full-mesh";
      return count < clientServerMin ? "hyparview" : "client-server";
    default:
      return from satisfies never;
  }
}

/** True when `to` is for larger clusters than `from`. */
export function isLarger(to: TopologyName, from: TopologyName): boolean {
  return topologyNames.indexOf(to) > topologyNames.indexOf(from);
}

/** Thresholds that leave a band between each two topologies. */
export function assertThresholds(thresholds: SwitchThresholds): void {
  const { fullMeshMax, hyparviewMin, hyparviewMax, clientServerMin } = thresholds;
  assert(hyparviewMin <= fullMeshMax, "a full mesh may grow beyond where HyParView ends");
  assert(clientServerMin <= hyparviewMax, "HyParView may grow beyond where client-server ends");
  assert(fullMeshMax < clientServerMin, "between a full mesh and client-server lies HyParView");
}
