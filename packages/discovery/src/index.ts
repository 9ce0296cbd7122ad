/**
 * @foundation/discovery: where the other nodes may be. Grouped by purpose, alphabetical in each
 * group; written by hand, because what stands here is the public surface.
 */

// running strategies
export { createDiscovery } from "./runtime/discovery.js";
export type { Discovery, DiscoveryOptions } from "./runtime/discovery.js";
export type { DiscoveryProblem } from "./protocol/problem-log.js";
export type { ReportedStep, StrategyReport } from "./protocol/step-log.js";

// strategies
export { aws } from "./aws/aws.js";
export type { AwsOptions, AwsStaticCredentials } from "./aws/aws.js";
export { consul } from "./consul/consul.js";
export type { ConsulOptions, ConsulTls } from "./consul/consul.js";
export { strategyByName } from "./runtime/strategy-by-name.js";
export type { StrategyByNameOptions } from "./runtime/strategy-by-name.js";
export { defineStrategy } from "./strategies/define-strategy.js";
export type { StrategyAnswer, StrategyDefinition } from "./strategies/define-strategy.js";
export { dns } from "./strategies/dns.js";
export type { DnsOptions } from "./strategies/dns.js";
export type { DnsResolver } from "./dns/dns-resolver.js";
export type { AddressRecord, ServiceRecord } from "./protocol/dns/dns-answer.js";
export { gcp } from "./gcp/gcp.js";
export type { GcpOptions } from "./gcp/gcp.js";
export { gossip } from "./gossip/gossip.js";
export type { GossipOptions } from "./gossip/gossip.js";
export { kubernetes } from "./kubernetes/kubernetes.js";
export type { KubernetesOptions } from "./kubernetes/kubernetes.js";
export { fallback } from "./strategies/fallback.js";
export type { FallbackOptions } from "./strategies/fallback.js";
export { local } from "./strategies/local.js";
export type { LocalOptions } from "./strategies/local.js";
export { mdns } from "./mdns/mdns.js";
export type { MdnsOptions } from "./mdns/mdns.js";
export { staticList } from "./strategies/static-list.js";
export type { StaticListOptions } from "./strategies/static-list.js";
export { union } from "./strategies/union.js";

// what happens without configuration
export { clusterName } from "./filesystem/cluster-name.js";
export type { ClusterName } from "./filesystem/cluster-name.js";
export { probeEnvironment } from "./filesystem/environment-probes.js";
export { runDirectory } from "./filesystem/run-directory.js";
export type { RunDirectoryOptions } from "./filesystem/run-directory.js";
export { userSecret } from "./filesystem/user-secret.js";
export type { UserSecretOptions } from "./filesystem/user-secret.js";
export {
  STRATEGIES_BEYOND_LOOPBACK,
  STRATEGY_NAMES,
  detect,
  parseStrategyName,
} from "./protocol/detection.js";
export type {
  DetectedStrategy,
  Detection,
  DetectionEvidence,
  DetectOptions,
  EnvironmentProbes,
  StrategyName,
} from "./protocol/detection.js";

// configuration
export { fromLibcluster } from "./protocol/libcluster.js";
export type {
  LibclusterTopology,
  TranslatedDns,
  TranslatedGossip,
  TranslatedKubernetes,
  TranslatedTopology,
} from "./protocol/libcluster.js";
export { strategyOfTopology } from "./runtime/strategy-of-topology.js";
export { parsePeerAddress } from "./protocol/peer-address.js";

// errors
export { discoveryErrors } from "./errors.js";
