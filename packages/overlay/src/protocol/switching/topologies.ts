/** The topologies by name, and what an operator may ask for. */

/** All topologies, in the order of the cluster sizes they are for. */
export const topologyNames = ["full-mesh", "hyparview", "client-server"] as const;

/** How the links of a cluster are laid out. */
export type TopologyName = (typeof topologyNames)[number];

/** One topology whatever the size, or the one that the size asks for. */
export type TopologyMode = "auto" | TopologyName;

export function isTopologyName(value: unknown): value is TopologyName {
  return (topologyNames as readonly unknown[]).includes(value);
}
