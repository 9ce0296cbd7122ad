/** Objects as the API server and its controllers write them: slices of a service, and pods. */

/** A pod in the hands of a test. */
export interface FakePod {
  readonly name: string;
  readonly ips: readonly string[];
  /** @default "shop" */
  readonly namespace?: string;
  readonly hostname?: string;
  readonly subdomain?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** @default true */
  readonly ready?: boolean;
  /** @default `ready` */
  readonly serving?: boolean;
  readonly terminating?: boolean;
  /** @default "Running" */
  readonly phase?: string;
  /** By name. @default `foundation`: 4100 */
  readonly ports?: Readonly<Record<string, number>>;
}

export interface FakeMetadata {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  labels?: Readonly<Record<string, string>>;
  deletionTimestamp?: string;
}

/** An object as it is stored; the store sets uid, version and time. */
export interface FakeObject {
  readonly apiVersion: string;
  readonly kind: "EndpointSlice" | "Pod";
  readonly metadata: Partial<FakeMetadata> & { readonly name: string; readonly namespace: string };
  readonly [field: string]: unknown;
}

export interface SliceOptions {
  readonly service: string;
  /** The slice's own name. @default `<service>-abcde` */
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly addressType?: "IPv4" | "IPv6" | "FQDN";
  readonly ports?: Readonly<Record<string, number>>;
}

const CREATED = "2026-01-02T03:04:05Z";
const PORTS = { foundation: 4100 };

/** One slice with an endpoint for each pod that has an address of the family. */
export function endpointSlice(options: SliceOptions, pods: readonly FakePod[]): FakeObject {
  const { service, namespace = "shop", addressType = "IPv4", ports = PORTS } = options;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: options.name ?? `${service}-abcde`,
      namespace,
      labels: {
        "kubernetes.io/service-name": service,
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        ...options.labels,
      },
    },
    addressType,
    ports: Object.entries(ports).map(([name, port]) => ({ name, port, protocol: "TCP" })),
    endpoints: pods.flatMap((pod) => endpointsOf(pod, namespace, addressType)),
  };
}

function endpointsOf(pod: FakePod, namespace: string, type: string): readonly object[] {
  const isV6 = type === "IPv6";
  const ready = pod.ready ?? true;
  return pod.ips
    .filter((ip) => type === "FQDN" || ip.includes(":") === isV6)
    .map((ip) => ({
      addresses: [ip],
      conditions: {
        ready: ready && pod.terminating !== true,
        serving: pod.serving ?? ready,
        terminating: pod.terminating ?? false,
      },
      ...(pod.hostname !== undefined && { hostname: pod.hostname }),
      nodeName: "node-1",
      targetRef: { kind: "Pod", namespace, name: pod.name, uid: uidOf(namespace, pod.name) },
    }));
}

/** The pod itself. */
export function podObject(pod: FakePod): FakeObject {
  const { namespace = "shop", ips, ports = PORTS } = pod;
  const ready = (pod.serving ?? pod.ready ?? true) ? "True" : "False";
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: pod.name,
      namespace,
      uid: uidOf(namespace, pod.name),
      labels: pod.labels ?? {},
      ...(pod.terminating === true && { deletionTimestamp: CREATED }),
    },
    spec: {
      containers: [
        {
          name: "app",
          image: "app:1",
          ports: Object.entries(ports).map(([name, containerPort]) => ({
            name,
            containerPort,
            protocol: "TCP",
          })),
        },
      ],
      ...(pod.hostname !== undefined && { hostname: pod.hostname }),
      ...(pod.subdomain !== undefined && { subdomain: pod.subdomain }),
    },
    status: {
      phase: pod.phase ?? "Running",
      conditions: [
        { type: "Ready", status: ready, lastProbeTime: null, lastTransitionTime: CREATED },
      ],
      ...(ips[0] !== undefined && { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
    },
  };
}

/** The same for the same pod, as long as nobody deletes it. */
export function uidOf(namespace: string, name: string): string {
  return `uid-of-${namespace}-${name}`;
}

/** True when the labels fit a selector: `a=b`, `a==b`, `a!=b`, `a`, `!a`, `a in (b,c)`, `a notin (b)`, with commas. */
export function fitsSelector(labels: Readonly<Record<string, string>>, selector: string): boolean {
  return selector
    .split(/,(?![^(]*\))/)
    .filter((each) => each.trim() !== "")
    .every((each) => fitsRequirement(labels, each.trim()));
}

function fitsRequirement(labels: Readonly<Record<string, string>>, requirement: string): boolean {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(requirement);
  if (set !== null) {
    const [, key = "", operator, values = ""] = set;
    const isIn = values.split(",").some((value) => value.trim() === labels[key]);
    return operator === "in" ? isIn : !isIn;
  }
  const equal = /^([^=!\s]+)\s*(==?|!=)\s*([^=!\s]*)$/.exec(requirement);
  if (equal !== null) {
    const [, key = "", operator, value] = equal;
    return operator === "!=" ? labels[key] !== value : labels[key] === value;
  }
  if (/^!?[^=!\s()]+$/.test(requirement)) {
    return requirement.startsWith("!") ? !(requirement.slice(1) in labels) : requirement in labels;
  }
  throw new Error(`unable to parse requirement: ${requirement}`);
}
