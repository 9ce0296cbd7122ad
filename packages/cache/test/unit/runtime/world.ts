/** Nodes in memory, each with its caches, on one virtual clock. */
import {
  memoryCluster,
  memoryRuntime,
  seededRandom,
  virtualClock,
  type MemoryCluster,
  type MemoryClusterNode,
  type VirtualClock,
} from "@foundation/core/testing";
import { createCaches, type Cache, type CacheOptions, type Caches } from "@foundation/cache";

export interface CacheWorld {
  readonly clock: VirtualClock;
  readonly cluster: MemoryCluster;
  /** By the node's name. */
  readonly caches: Map<string, Caches>;
  open<V>(name: string, options?: CacheOptions): Cache<V>[];
  at(node: MemoryClusterNode): Caches;
  run<T>(promise: Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function cacheWorld(nodes: number, seed: number | string = "cache"): CacheWorld {
  const clock = virtualClock();
  const random = seededRandom(seed);
  const cluster = memoryCluster({ clock, nodes, random, detectionMs: 100 });
  const caches = new Map<string, Caches>();
  const at = (node: MemoryClusterNode) => {
    const known = caches.get(node.id + node.boot);
    if (known !== undefined) return known;
    const { messenger, membership, broadcast } = node;
    const runtime = memoryRuntime({ clock, seed: `${seed}/${node.name}` });
    const made = createCaches({ messenger, membership, broadcast, runtime });
    caches.set(node.id + node.boot, made);
    return made;
  };
  return {
    clock,
    cluster,
    caches,
    at,
    open: <V>(name: string, options?: CacheOptions) =>
      cluster.nodes.map((node) => at(node).open<V>(name, options)),
    run: (promise) => clock.run(promise),
    close: async () => {
      const running = cluster.nodes.map((node) => at(node).close());
      await clock.run(Promise.all(running));
    },
  };
}
