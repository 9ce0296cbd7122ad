/** In-memory twins of the ports: deterministic, without real time or input and output. For tests and simulations. */
export { discoveryContext } from "./discovery-context.js";
export { listDiscovery } from "./list-discovery.js";
export type { ListDiscovery } from "./list-discovery.js";
export { manualSignals } from "./manual-signals.js";
export type { ManualSignals } from "./manual-signals.js";
export { memoryCluster } from "./memory-cluster.js";
export type {
  MemoryCluster,
  MemoryClusterNode,
  MemoryClusterOptions,
  NodeChoice,
} from "./memory-cluster.js";
export { memoryMeter } from "./memory-meter.js";
export type { MemoryMeter } from "./memory-meter.js";
export { memoryNames } from "./memory-names.js";
export type { MemoryNames, MemoryNamesOptions } from "./memory-names.js";
export { memoryNetwork, memoryTransport } from "./memory-network.js";
export type { MemoryNetwork, MemoryNetworkOptions } from "./memory-network.js";
export { memoryPubSub } from "./memory-pubsub.js";
export type { MemoryPubSub, MemoryPubSubOptions } from "./memory-pubsub.js";
export { memoryRoster } from "./memory-roster.js";
export type { MemoryRoster } from "./memory-roster.js";
export { memoryRuntime } from "./memory-runtime.js";
export type { MemoryRuntime, MemoryRuntimeOptions } from "./memory-runtime.js";
export { memoryStorage } from "./memory-storage.js";
export type { MemoryStorage, StorageOperation } from "./memory-storage.js";
export { recordingLogger } from "./recording-logger.js";
export type { LogLine, RecordingLogger } from "./recording-logger.js";
export { seededRandom } from "./seeded-random.js";
export { sleepBy } from "./sleep-by.js";
export { trustingAuthentication } from "./trusting-authentication.js";
export { virtualClock } from "./virtual-clock.js";
export type { VirtualClock, VirtualClockOptions } from "./virtual-clock.js";
