/** A cluster in memory with what a store needs on each node. */
import { memoryCluster, memoryRuntime, virtualClock } from "@foundation/core/testing";
import type { MemoryClusterNode } from "@foundation/core/testing";

export function worldOf(nodes: number, detectionMs = 0) {
  const clock = virtualClock();
  const cluster = memoryCluster({ clock, nodes, detectionMs });
  const portsOf = (node: MemoryClusterNode) => {
    const { messenger, membership, broadcast } = node;
    const runtime = memoryRuntime({ clock, seed: node.name });
    return { messenger, membership, broadcast, runtime };
  };
  return { clock, cluster, portsOf };
}
