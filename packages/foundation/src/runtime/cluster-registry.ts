/**
 * clusterRegistry: the registry of a node, as its configuration wants it, with the consensus of the cluster as the place
 * where strong names and the roster are. Neither is asked for before the first process that needs it.
 */
import { parseDuration, type Kernel } from "@foundation/core";
import type { Overlay } from "@foundation/overlay";
import { createRegistry, type Registry, type RegistryOptions } from "@foundation/registry";
import type { LoadedConfig } from "../config/load-config.js";
import type { ClusterConsensus } from "../consensus/cluster-consensus.js";

type RegistryPorts = Pick<RegistryOptions, "messenger" | "membership" | "broadcast" | "runtime">;

export function clusterRegistry(
  ports: RegistryPorts,
  { values }: LoadedConfig,
  kernel: Kernel,
  overlay: Overlay,
  consensus: ClusterConsensus,
): Registry {
  const { supervisor, placement, leaseTtl, expect, rebalance } = values.processes;
  const restartsWithinMs = parseDuration(supervisor.within, "processes.supervisor.within");
  // In development the voter of the machine is a matter of convenience: what somebody wrote down outranks it.
  const countsVoters = consensus.isConfigured || (consensus.isAvailable && expect === undefined);
  return createRegistry({
    ...ports,
    kernel,
    placement,
    loadOf: (node) => overlay.membership.member(node)?.load ?? overlay.loadOf(node),
    limits: { restartsMax: supervisor.maxRestarts, restartsWithinMs },
    nameStore: consensus.isAvailable ? consensus.recipes.names : undefined,
    leaseTtl,
    get roster() {
      return countsVoters ? consensus.recipes.roster : undefined;
    },
    expect,
    rebalance,
  });
}
