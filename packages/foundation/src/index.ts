/**
 * @foundation/foundation: the whole of Foundation in one import. Written by hand: what stands here is the public surface.
 */

// cluster
export type { Cluster, ClusterInfo, InspectOptions, NodeFilter, ReadyOptions } from "./cluster.js";
export type { ClusterEvent } from "./cluster-event.js";
export type { HealthReport, HealthStatus, NodeHealth, NodeVitals } from "./health/report.js";
export type { NodeInspection, SelfDescription } from "./health/inspection.js";
export { startCluster } from "./start-cluster.js";
export type { WatchOptions } from "./runtime/watch.js";

// channels
export type {
  Channel,
  ChannelMessage,
  ChannelOptions,
  ChannelRequestOptions,
  ChannelSendOptions,
  ChannelStream,
  ChannelStreamOptions,
  ChannelTarget,
} from "./channels/channel.js";
export type { ChannelStats } from "./channels/channel-stats.js";
export type { ByteSource, SendOutcome } from "@foundation/core";
export type { LinkStats, PeerExplanation } from "@foundation/overlay";

// configuration
export { defineConfig } from "./config/cluster-config.js";
export type { DiscoveryConfig } from "./config/discovery-layer.js";
export type {
  ClusterConfig,
  OverlayConfig,
  SecurityConfig,
  StartOptions,
  TlsCertificates,
} from "./config/cluster-config.js";

// errors
export { foundationErrors } from "./errors.js";
export { FoundationError, isFoundationError } from "@foundation/core";

// discovery strategies
export {
  aws,
  consul,
  defineStrategy,
  dns,
  fallback,
  gcp,
  gossip,
  kubernetes,
  local,
  mdns,
  staticList,
  union,
} from "@foundation/discovery";
export type { DiscoveryStrategy } from "@foundation/core";
export type { StrategyReport } from "@foundation/discovery";

// processes
export {
  defineProcess,
  hashRing,
  leastLoaded,
  localPlacement,
  pinned,
  randomPlacement,
  rendezvous,
} from "@foundation/core";
export type {
  Member,
  NodeId,
  NodeLoad,
  Pid,
  Placement,
  ProcessContext,
  ProcessDefinition,
} from "@foundation/core";
export type {
  ClusterRef,
  Constraints,
  Ecosystem,
  EcosystemInfo,
  EcosystemOptions,
  EcosystemPlace,
  Migrated,
  Migration,
  MigrationStep,
  NameEntry,
  NameEvent,
  RebalanceOptions,
  Rebalancing,
  SendByNameOptions,
  StartOptions as ProcessStartOptions,
  SuperviseOptions,
  SupervisorRef,
  TreeChild,
  TreeEvent,
  Workload,
} from "@foundation/registry";

// groups, services, load balancing
export type {
  GroupEvent,
  GroupMember,
  GroupReply,
  Groups,
  LoadBalancer,
  RouteOptions,
  ServiceFilter,
  ServiceHandle,
  ServiceInstance,
  ServiceOptions,
  Services,
} from "@foundation/registry";

// caches
export { cached, keyvStore } from "@foundation/cache";
export type { Cache, CacheEntry, CacheOptions, CacheRecord, CacheStats } from "@foundation/cache";

// pub/sub
export { defineTopic, overlayPubSub } from "@foundation/pubsub";
export type { Subscription, Topic, TopicMessage } from "@foundation/pubsub";

// replicated state
export type {
  BoundedCounter,
  Counter,
  CounterChange,
  Document,
  DocumentChange,
  Flag,
  FlagChange,
  FlagOptions,
  GrowCounter,
  MultiRegister,
  NestedMap,
  OpenOptions,
  Register,
  ReplicatedMap,
  ReplicatedSet,
  SetChange,
  StateMapChange,
  StateOptions,
  WriteOptions,
} from "@foundation/crdt";
