/** @foundation/testkit: contract suites for the ports, and what tests of distributed code need. */

// contract suites
export { authenticationContract } from "./contract/authentication-contract.js";
export type { AuthenticationContractSetup } from "./contract/authentication-contract.js";
export { broadcastContract } from "./contract/broadcast-contract.js";
export { clockContract } from "./contract/clock-contract.js";
export type { ClockFixture } from "./contract/clock-contract.js";
export type {
  ClusterContractSetup,
  ClusterFixture,
  ClusterFixtureNode,
} from "./contract/cluster-fixture.js";
export { codecContract } from "./contract/codec-contract.js";
export { discoveryContract } from "./contract/discovery-contract.js";
export type { DiscoveryContractSetup, DiscoveryFixture } from "./contract/discovery-contract.js";
export { discoveryBackendContract } from "./contract/discovery-backend-contract.js";
export { discoveryChecks } from "./contract/discovery-checks.js";
export type {
  DiscoveryBackend,
  DiscoveryBackendSetup,
  DiscoveryCheck,
  DiscoveryCheckName,
  DiscoveryFailure,
} from "./contract/discovery-backend.js";
export { loggerContract, meterContract } from "./contract/observability-contract.js";
export type { LoggerFixture } from "./contract/observability-contract.js";
export { membershipContract } from "./contract/membership-contract.js";
export { messengerContract } from "./contract/messenger-contract.js";
export { nameStoreContract } from "./contract/name-store-contract.js";
export type { NameStoreContractSetup, NameStoreFixture } from "./contract/name-store-contract.js";
export { pubsubContract } from "./contract/pubsub-contract.js";
export type { PubSubContractSetup, PubSubFixture } from "./contract/pubsub-contract.js";
export { randomContract } from "./contract/random-contract.js";
export type { RandomContractSetup } from "./contract/random-contract.js";
export { rosterContract } from "./contract/roster-contract.js";
export type { RosterContractSetup, RosterFixture } from "./contract/roster-contract.js";
export type { ContractRunner } from "./contract/runner.js";
export { signalsContract } from "./contract/signals-contract.js";
export type { SignalsFixture } from "./contract/signals-contract.js";
export { storageContract } from "./contract/storage-contract.js";
export type { StorageContractSetup, StorageFixture } from "./contract/storage-contract.js";
export { transportContract } from "./contract/transport-contract.js";
export type { TransportContractSetup, TransportFixture } from "./contract/transport-contract.js";

// core world
export type { CoreAdapter, CoreEvent, CoreHost } from "./core-world/core-adapter.js";
export type { DiskConditions } from "./core-world/core-disk.js";
export { createCoreWorld } from "./core-world/core-world.js";
export type { CoreNode, CoreWorld, CoreWorldOptions } from "./core-world/core-world.js";
export { quietConditions } from "./core-world/wires.js";
export type { CoreConditions } from "./core-world/wires.js";

// errors
export { testkitErrors } from "./errors.js";

// leaks
export { leakCheck } from "./leaks.js";
export type { LeakCheck } from "./leaks.js";

// linearizability
export { checkLinearizable } from "./linearizability/check-linearizable.js";
export type {
  LinearizabilityOptions,
  LinearizabilityResult,
} from "./linearizability/check-linearizable.js";
export type { HistoryOperation } from "./linearizability/history.js";
export { parseHistory } from "./linearizability/history-lines.js";
export { createHistoryRecorder } from "./linearizability/history-recorder.js";
export type {
  HistoryRecorder,
  HistoryRecorderOptions,
  Invocation,
  OpenOperation,
} from "./linearizability/history-recorder.js";
export { counterModel } from "./linearizability/models/counter.js";
export type { CounterInput } from "./linearizability/models/counter.js";
export { keyValueModel } from "./linearizability/models/key-value.js";
export type { KeyValueInput, KeyValueOutput } from "./linearizability/models/key-value.js";
export { lockModel } from "./linearizability/models/lock.js";
export type {
  LockInput,
  LockModelOptions,
  LockOutput,
  LockState,
} from "./linearizability/models/lock.js";
export { registerModel } from "./linearizability/models/register.js";
export type { RegisterInput, RegisterOutput } from "./linearizability/models/register.js";
export { setModel } from "./linearizability/models/set.js";
export type { SetInput, SetOutput } from "./linearizability/models/set.js";
export type { OperationEffect, SequentialModel } from "./linearizability/sequential-model.js";

// simulation
export type { DiskDamage } from "./simulation/disk-file.js";
export type { DiskFaults, HostFaults, NetworkFaults } from "./simulation/faults.js";
export { lanConditions } from "./simulation/link-conditions.js";
export type { LinkConditions } from "./simulation/link-conditions.js";
export type { SimulatedApp, SimulatedHost, SimulatedNode } from "./simulation/simulated-node.js";
export { createSimulator } from "./simulation/simulator.js";
export type { Simulator, SimulatorOptions } from "./simulation/simulator.js";
export type { Trace, TraceLine } from "./simulation/trace.js";

// time
export { eventually } from "./eventually.js";
export type { EventuallyOptions } from "./eventually.js";
export { realTime, rejectsWith, socketTime, throwsWith, until, virtualTime } from "./time.js";
export type { ContractTime } from "./time.js";
