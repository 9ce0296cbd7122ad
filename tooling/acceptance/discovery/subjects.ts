/** Every strategy and the backend it is tried against. */
import type { DiscoveryBackendSetup } from "@foundation/testkit";
import { awsBackend } from "../../../packages/discovery/test/backends/aws-backend.js";
import { consulBackend } from "../../../packages/discovery/test/backends/consul-backend.js";
import { dnsBackend } from "../../../packages/discovery/test/backends/dns-backend.js";
import { gcpBackend } from "../../../packages/discovery/test/backends/gcp-backend.js";
import { gossipBackend } from "../../../packages/discovery/test/backends/gossip-backend.js";
import { kubernetesBackend } from "../../../packages/discovery/test/backends/kubernetes-backend.js";
import { localBackend } from "../../../packages/discovery/test/backends/local-backend.js";
import { mdnsBackend } from "../../../packages/discovery/test/backends/mdns-backend.js";
import { staticBackend } from "../../../packages/discovery/test/backends/static-backend.js";

/** One row of the table. */
export interface Subject {
  readonly strategy: string;
  readonly backend: string;
  readonly clock: "real" | "virtual";
  readonly setup: DiscoveryBackendSetup;
}

export const subjects: readonly Subject[] = [
  row("local", "a folder of this machine", "real", localBackend),
  row("static", "names with several addresses", "virtual", staticBackend),
  row("dns", "a name server on loopback, UDP and TCP", "virtual", dnsBackend),
  row("mdns", "a network in memory", "virtual", mdnsBackend),
  row("gossip", "a network in memory", "virtual", gossipBackend),
  row("kubernetes", "the API in memory: list, watch, bookmarks, 410", "virtual", kubernetesBackend),
  row("consul", "the agent's API in memory: index, wait, checks", "virtual", consulBackend),
  row("aws", "EC2's API in memory behind real signatures", "virtual", awsBackend),
  row("gcp", "the Compute API in memory", "virtual", gcpBackend),
];

function row(
  strategy: string,
  backend: string,
  clock: Subject["clock"],
  setup: DiscoveryBackendSetup,
): Subject {
  return { strategy, backend, clock, setup };
}
