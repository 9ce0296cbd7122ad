/**
 * @foundation/registry: cluster-wide names, references that follow them, and distributed processes.
 * Written by hand: what stands here is the public surface.
 */

// errors and limits
export { registryErrors } from "./errors.js";
export {
  defaultBalancing as registryBalancing,
  defaultLimits as registryLimits,
} from "./limits.js";
export type { BalancingRules, RegistryLimits } from "./limits.js";

// registry
export { createRegistry } from "./runtime/create-registry.js";
export type {
  ChildStatus,
  Registry,
  RegistryInfo,
  RegistryOptions,
} from "./runtime/registry.js";
export type { NameEntry } from "./runtime/names/name-store.js";
export type { NameEvent } from "./runtime/names/name-watchers.js";
export type { NameFilter } from "./runtime/names/name-filter.js";
export type {
  NameKeys,
  RegisterOptions,
  SendByNameOptions,
  UnregisterOptions,
} from "./runtime/names/options.js";
export type { ContractConflict } from "./runtime/names/definition-board.js";
export type { ClusterRef } from "./runtime/calls/process-reference.js";
export type { Workload } from "./runtime/placement/best-node-for.js";
export type {
  AutomaticRebalance,
  RebalanceOptions,
  RebalancePace,
} from "./runtime/placement/rebalance-options.js";
export type {
  FailedMove,
  RebalanceReport,
  RebalanceStep,
  Rebalancing,
} from "./runtime/placement/rebalancing.js";
export type { OperationOptions, StartOptions } from "./runtime/supervision/start-options.js";
export type { DefinitionSource } from "./runtime/wiring.js";

// supervision trees
export type { SupervisorRef } from "./runtime/trees/supervisor-ref.js";
export type {
  SuperviseOptions,
  TreeChildOptions,
  TreePolicy,
  TreeProcess,
  TreeProgress,
  TreeSupervisor,
} from "./runtime/trees/tree-options.js";
export type { TreeChild, TreeEvent } from "./runtime/trees/tree-view.js";
export type { TreeStrategy } from "./protocol/tree-plan.js";

// ecosystems
export type {
  Ecosystem,
  EcosystemInfo,
  EcosystemMemberInfo,
} from "./runtime/ecosystems/ecosystem.js";
export type {
  EcosystemOptions,
  EcosystemProcess,
  EcosystemProgress,
  EcosystemWorkers,
} from "./runtime/ecosystems/ecosystem-options.js";
export type { EcosystemPlace } from "./protocol/ecosystem-topology.js";
export type {
  EcosystemSpread,
  EcosystemTopology,
  FaultTolerance,
} from "./protocol/ecosystem-plan.js";

// moves
export type { Migrated, Migration, MigrationStep } from "./runtime/migration/migration.js";
export type { MigrateOptions } from "./runtime/migration/migrations.js";
export type { NameConflict, OnConflict } from "./runtime/conflicts/conflicts.js";

// groups
export type {
  GroupEvent,
  GroupMember,
  GroupReply,
  Groups,
  JoinOptions,
} from "./runtime/groups/groups.js";

// services and balancing
export type {
  BalancingEvent,
  InstanceExplained,
  LoadBalancer,
  RouteOptions,
  ServiceExplained,
} from "./runtime/balancing/load-balancer.js";
export type { Strategy } from "./protocol/balancing/contender.js";
export type { ServiceConstraints } from "./protocol/services/fitness.js";
export type { Health } from "./protocol/services/health.js";
export type { ServiceInstance, ServiceRecord } from "./protocol/services/record.js";
export type {
  HealthAnswer,
  ServiceContext,
  ServiceDescription,
  ServiceEvent,
  ServiceFilter,
  ServiceHandle,
  ServiceOptions,
  Services,
} from "./runtime/services/services.js";

// vocabulary
export type { Below, Capacity, Constraints, Softness, Spread } from "./protocol/constraints.js";
export type { PartitionPolicy } from "./protocol/partition.js";
export type { Peers } from "./protocol/peers.js";
export type { PlannedMove } from "./protocol/planned-moves.js";
export type { NotPlanned } from "./protocol/rebalance.js";
export type { On, Owner, Restart } from "./protocol/child-spec.js";
