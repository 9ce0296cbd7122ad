/**
 * ServiceRegistration: how a node stands in Consul: as an instance of the cluster's service, with a check of the kind TTL.
 *
 * Pure: texts in, bodies out. What only Foundation knows of a node is in the instance's metadata: its id, its cluster and
 * the address to dial, since a service name may be shared and an address may be more than a host and a port.
 */

/** Keys of an instance's metadata. */
export const CONSUL_META = {
  id: "foundation-id",
  cluster: "foundation-cluster",
  address: "foundation-address",
  draining: "foundation-draining",
} as const;

export interface Registration {
  readonly service: string;
  readonly tags: readonly string[];
  readonly cluster: string;
  readonly id: string;
  /** What others dial: `ws://host:port`. */
  readonly address: string;
  /** The check is critical when it was not renewed for so long. */
  readonly ttlMs: number;
  /** Consul forgets an instance that was critical for so long. */
  readonly deregisterAfterMs: number;
  readonly draining: boolean;
  readonly namespace: string | undefined;
  readonly partition: string | undefined;
}

/** Characters a metadata value may have, by Consul's own limit. */
const META_CHARS_MAX = 512;

/** The cluster's name as the metadata holds it. */
export function clusterMark(cluster: string): string {
  return cluster.slice(0, META_CHARS_MAX);
}

/** Of one node the same at each start, so that a restart replaces its instance. */
export function instanceId({ service, id }: Pick<Registration, "service" | "id">): string {
  return `${service}-${id}`;
}

/** The check that the instance's registration makes. */
export function checkId(of: Pick<Registration, "service" | "id">): string {
  return `service:${instanceId(of)}`;
}

/** The status a node gives itself: one that drains is no longer `passing`, so that others of the service are taken. */
export function statusOf({ draining }: Pick<Registration, "draining">): "passing" | "warning" {
  return draining ? "warning" : "passing";
}

/** The body of `PUT /v1/agent/service/register`. */
export function registrationBody(registration: Registration): string {
  const { service, tags, cluster, id, address, draining, namespace, partition } = registration;
  const { hostname, port } = new URL(address.replace(/^ws/, "http"));
  return JSON.stringify({
    ID: instanceId(registration),
    Name: service,
    Tags: tags,
    Address: hostname.replace(/^\[|\]$/g, ""),
    Port: Number(port),
    Meta: {
      [CONSUL_META.id]: id,
      [CONSUL_META.cluster]: clusterMark(cluster),
      [CONSUL_META.address]: address,
      ...(draining && { [CONSUL_META.draining]: "true" }),
    },
    ...(namespace !== undefined && { Namespace: namespace }),
    ...(partition !== undefined && { Partition: partition }),
    Check: {
      CheckID: checkId(registration),
      Name: "the node renews it",
      TTL: `${Math.ceil(registration.ttlMs)}ms`,
      Status: statusOf(registration),
      DeregisterCriticalServiceAfter: `${Math.ceil(registration.deregisterAfterMs)}ms`,
    },
  });
}

/** The body of `PUT /v1/agent/check/update/:check`. */
export function renewalBody(registration: Registration): string {
  const output = registration.draining ? "this node drains" : "this node is well";
  return JSON.stringify({ Status: statusOf(registration), Output: output });
}

/** A name Consul's DNS can answer for, made of a cluster's. */
export function serviceName(cluster: string): string {
  const name = cluster
    .replace(/[^a-zA-Z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, DNS_LABEL_CHARS_MAX);
  return name === "" ? "foundation" : name;
}

const DNS_LABEL_CHARS_MAX = 63;
