/**
 * clusterCaches: the caches of a node, with the store of the cluster as the place where lists of a cache's nodes are
 * committed. A cache that asks for no quorum never touches it, so an application without consensus pays nothing for it.
 */
import { createCaches, type CachePorts, type Caches, type EpochStore } from "@foundation/cache";
import type { RingEpoch } from "@foundation/cache";
import type { Kv } from "@foundation/consensus/recipes";

/** Keys of the cluster's store under which the lists are. */
const PREFIX = "foundation/cache/";

/** `kv` is asked for when the first cache in quorum mode is opened. */
export function clusterCaches(ports: CachePorts, kv: () => Kv): Caches {
  return createCaches({ ...ports, epochs: (name) => committedEpochs(kv(), `${PREFIX}${name}`) });
}

function committedEpochs(kv: Kv, key: string): EpochStore {
  const read: EpochStore["read"] = async (options) =>
    (await kv.get<RingEpoch>(key, options)) ?? undefined;
  return {
    read,
    replace: async (expected, next, options) => {
      const newest = await read(options);
      if ((newest?.epoch ?? 0) !== expected) return false;
      return kv.compareAndSet(key, newest, next, options);
    },
  };
}
