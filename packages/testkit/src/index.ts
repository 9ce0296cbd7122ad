/** @foundation/testkit: contract suites for the ports, and what tests of distributed code need. */

// contract suites
export { broadcastContract } from "./contract/broadcast-contract.js";
export type {
  ClusterContractSetup,
  ClusterFixture,
  ClusterFixtureNode,
} from "./contract/cluster-fixture.js";
export { discoveryContract } from "./contract/discovery-contract.js";
export type { DiscoveryContractSetup, DiscoveryFixture } from "./contract/discovery-contract.js";
export { membershipContract } from "./contract/membership-contract.js";
export { messengerContract } from "./contract/messenger-contract.js";
export { pubsubContract } from "./contract/pubsub-contract.js";
export type { PubSubContractSetup, PubSubFixture } from "./contract/pubsub-contract.js";
export type { ContractRunner } from "./contract/runner.js";
export { transportContract } from "./contract/transport-contract.js";
export type { TransportContractSetup, TransportFixture } from "./contract/transport-contract.js";

// time
export { realTime, rejectsWith, throwsWith, until, virtualTime } from "./time.js";
export type { ContractTime } from "./time.js";
