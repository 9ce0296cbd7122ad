/**
 * createReplicatedMap: one replicated map that nobody needs to wait for, for what is built on this package.
 *
 * It is the map `createState(…).map(name)` opens, without a disk to read first and without the table
 * of what a node has open: so it is there at once, and a name is opened once on a node.
 */
import type { CausalLimits } from "../limits.js";
import { CausalStore } from "./causal/causal-store.js";
import { replicatedMap, type ReplicatedMap } from "./faces/replicated-map.js";
import { resolvePorts, type ReplicationOptions } from "./replication.js";

/** Options of createReplicatedMap. */
export interface ReplicatedMapOptions extends ReplicationOptions {
  /** @default CAUSAL_LIMITS */
  readonly limits?: Partial<CausalLimits> | undefined;
}

/**
 * Opens this node's replica of a map.
 *
 * @throws {ERR_INVALID_ARGUMENT} the name, a duration, a limit, or a map of that name is open here.
 *
 * @example
 * ```ts
 * import { createReplicatedMap, type ReplicationPorts } from "@foundation/crdt"
 *
 * export function openCarts(ports: ReplicationPorts) {
 *   const carts = createReplicatedMap<string[]>({ name: "carts", ...ports })
 *   carts.set("ann", ["tea"])
 *   return carts
 * }
 * ```
 */
export function createReplicatedMap<V>(options: ReplicatedMapOptions): ReplicatedMap<V> {
  const store = CausalStore.started<V>({
    ...resolvePorts(options),
    kind: "map",
    isTimed: true,
    onClose: () => undefined,
  });
  return replicatedMap(store);
}
