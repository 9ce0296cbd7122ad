/**
 * @foundation/foundation/testing: a user's application against partitions, in virtual time. Written by hand: what stands
 * here is the public surface.
 */

// simulation
export type { ClusterNode, NodeView } from "./cluster-node.js";
export type { FaultName, FaultOptions, Faults } from "./faults.js";
export { forEachSeed } from "./for-each-seed.js";
export type { ForEachSeedOptions } from "./for-each-seed.js";
export type { Network } from "./network-presets.js";
export type { NodeContext, NodesOption, SimulateClusterOptions } from "./options.js";
export type { Seed } from "./seed.js";
export { simulateCluster } from "./simulate-cluster.js";
export type {
  AnySimulatedCluster,
  LinkFaults,
  NodeFaults,
  NodesOf,
  SimulatedCluster,
  SlowLink,
  Waiting,
  WaitOptions,
  Which,
} from "./simulated-cluster.js";

// from the test kit
export type { DiskDamage, LinkConditions, Trace, TraceLine } from "@foundation/testkit";
