/**
 * kubernetes: the pods of a service, by a watch of its EndpointSlices.
 *
 * Only the options live here; what talks to the API server is loaded when the strategy runs, so that
 * importing the package costs nothing elsewhere.
 */
import {
  invalidArgument,
  type DiscoveryContext,
  type DiscoveryStrategy,
  type PeerSet,
} from "@foundation/core";
import type {
  AddressFamily,
  AddressMode,
  WatchedResource,
} from "../protocol/kubernetes/endpoint-rules.js";
import { kubernetesLimits } from "../protocol/kubernetes/limits.js";

/** Options of `kubernetes`. Every one has a default that is right in a pod with a service account. */
export interface KubernetesOptions {
  /**
   * What is listed and watched: the EndpointSlices of a service, or pods themselves, which needs no
   * service but a right to read pods. @default "endpoints"
   */
  readonly resource?: WatchedResource;
  /**
   * The service whose endpoints are the peers; also part of host names in the mode `hostname`.
   * @default `FOUNDATION_KUBERNETES_SERVICE`, else the cluster's name, unless `selector` is given
   */
  readonly service?: string;
  /**
   * A label selector, e.g. `app=myapp`: of the EndpointSlices, which have the labels of their service, or
   * of the pods. Together with `service`, both must fit.
   * @default `FOUNDATION_KUBERNETES_SELECTOR`; for pods else `app.kubernetes.io/name=<the cluster's name>`
   */
  readonly selector?: string;
  /**
   * One namespace, several (at most 16, each with a watch of its own), or `"*"` for all of them, which
   * needs a ClusterRole. @default the pod's own
   */
  readonly namespace?: string | readonly string[];
  /**
   * What is dialled: `ip`, the pod's address; `hostname`, `<hostname>.<service>.<namespace>.svc.<domain>`,
   * which a StatefulSet's pods keep over restarts; `dns`, `<a-b-c-d>.<namespace>.pod.<domain>`, for
   * certificates with a wildcard. @default "ip"
   */
  readonly mode?: AddressMode;
  /**
   * The port that peers are dialled at, by number, or by its name in the service or in the pod's
   * containers. @default the one named `foundation`, else this node's own
   */
  readonly port?: number | string;
  /**
   * Also offers pods that are not ready. Where pods become ready only in a cluster, either this or
   * `publishNotReadyAddresses` of the service is needed, else none finds another. @default false
   */
  readonly includeNotReady?: boolean;
  /** The domain of names in the cluster. @default `CLUSTER_DOMAIN`, else "cluster.local" */
  readonly clusterDomain?: string;
  /** Which address a pod that has both is dialled at. @default the family of this node's own address */
  readonly ipFamily?: AddressFamily;
  /** The API server, `https://host:port`. @default `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` */
  readonly server?: string;
  /** The bearer token; a file is better, because it is renewed. @default read from `tokenFile` */
  readonly token?: string;
  /** Read anew for each request, because the kubelet renews it. @default `token` in the directory below */
  readonly tokenFile?: string;
  /** The CAs of the API server as PEM text. @default read from `caFile` */
  readonly ca?: string;
  /** @default `ca.crt` in the directory below */
  readonly caFile?: string;
  /** Where the kubelet puts `token`, `ca.crt` and `namespace`. @default "/var/run/secrets/kubernetes.io/serviceaccount" */
  readonly serviceAccountDirectory?: string;
}

/**
 * Finds the other pods of a service, and is told of changes by a watch: nothing is polled.
 *
 * The service account needs `get`, `list` and `watch` on `endpointslices` of `discovery.k8s.io` (or on
 * `pods`); where it may not, the problem that is reported holds the rule to apply.
 *
 * @throws {ERR_INVALID_ARGUMENT} for an option that cannot be meant
 *
 * @example
 * ```ts
 * import { kubernetes } from "@foundation/discovery"
 *
 * const strategy = kubernetes({ service: "shop", mode: "hostname" })
 * console.log(strategy.name) // kubernetes
 * ```
 */
export function kubernetes(options: KubernetesOptions = {}): DiscoveryStrategy {
  checkOptions(options);
  return { name: "kubernetes", discover: (context) => discover(options, context) };
}

async function* discover(
  options: KubernetesOptions,
  context: DiscoveryContext,
): AsyncGenerator<PeerSet, void, undefined> {
  const { watchPeers } = await import("./watch-peers.js");
  yield* watchPeers(options, context);
}

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const PORT_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const DOMAIN = /^[a-z0-9]([-a-z0-9.]{0,200}[a-z0-9])?$/;

function checkOptions(options: KubernetesOptions): void {
  const { resource, service, selector, mode, port, clusterDomain, ipFamily, server } = options;
  oneOf("resource", resource, ["endpoints", "pods"]);
  oneOf("mode", mode, ["ip", "hostname", "dns"]);
  oneOf("ipFamily", ipFamily, ["IPv4", "IPv6"]);
  fits("service", service, LABEL, "the name of a service: lower-case letters, digits and -");
  fits("selector", selector, /^\S[^\n]{0,1023}$/, 'a label selector such as "app=myapp"');
  fits("clusterDomain", clusterDomain, DOMAIN, 'a domain such as "cluster.local"');
  if (typeof port === "number" || port === undefined) {
    const isPort = port === undefined || (Number.isInteger(port) && port >= 1 && port <= 65_535);
    if (!isPort) throw invalid("port", "a port from 1 to 65535, or its name", port);
  } else {
    fits("port", port, PORT_NAME, "a port from 1 to 65535, or its name");
  }
  if (server !== undefined && !isHttps(server)) {
    throw invalid("server", "https://host:port, because a token is sent to it", server);
  }
  checkNamespaces(options.namespace);
}

function checkNamespaces(namespace: KubernetesOptions["namespace"]): void {
  if (namespace === undefined || namespace === "*") return;
  const names = typeof namespace === "string" ? [namespace] : namespace;
  const { namespacesMax } = kubernetesLimits;
  const expected = `a namespace, a list of 1 to ${namespacesMax} of them, or "*"`;
  const isList = Array.isArray(names) && names.length > 0 && names.length <= namespacesMax;
  if (!isList) throw invalid("namespace", expected, namespace);
  for (const name of names as readonly string[]) fits("namespace", name, LABEL, expected);
}

function oneOf(argument: string, value: unknown, known: readonly string[]): void {
  if (value === undefined || (typeof value === "string" && known.includes(value))) return;
  throw invalid(argument, known.map((each) => `"${each}"`).join(" or "), value);
}

function fits(argument: string, value: unknown, form: RegExp, expected: string): void {
  if (value === undefined || (typeof value === "string" && form.test(value))) return;
  throw invalid(argument, expected, value);
}

function isHttps(server: unknown): boolean {
  try {
    const { protocol, username, password, pathname, search } = new URL(String(server));
    const isBare = username === "" && password === "" && pathname === "/" && search === "";
    return protocol === "https:" && isBare;
  } catch {
    return false;
  }
}

function invalid(argument: string, expected: string, value: unknown): Error {
  return invalidArgument("kubernetes", argument, expected, value);
}
