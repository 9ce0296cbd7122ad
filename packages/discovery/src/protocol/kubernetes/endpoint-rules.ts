/**
 * From one object of Kubernetes to the addresses of peers: what the options of `kubernetes` decide.
 *
 * Pure. An EndpointSlice or a pod comes in as the JSON the API gave, checked field by field, because a
 * proxy or another version may have written it; out come candidates, and issues for what was left out.
 * Invariants: a candidate has one spelling of its address; an endpoint that is neither ready nor
 * draining is none, unless the options ask for it; what the object does not say is what the API's
 * documentation says of a missing field.
 */
import { shown } from "@foundation/core";

/** What an address is made of. */
export type AddressMode = "ip" | "hostname" | "dns";

/** What is listed and watched. */
export type WatchedResource = "endpoints" | "pods";

/** An address family, as EndpointSlices spell it. */
export type AddressFamily = "IPv4" | "IPv6";

/** The options that decide about addresses, with their defaults. */
export interface EndpointRules {
  readonly mode: AddressMode;
  /** Wanted by number or by name; undefined: the one named `foundation`, else `ownPort`. */
  readonly port: number | string | undefined;
  /** undefined: this node's address has none. */
  readonly ownPort: number | undefined;
  readonly scheme: "ws" | "wss";
  readonly clusterDomain: string;
  /** For host names where the object does not say which service it belongs to. */
  readonly service: string | undefined;
  readonly includeNotReady: boolean;
}

/** One way to reach one peer, as one object says it. */
export interface Candidate {
  /** The pod, or the bare IP where the object does not say whose it is. */
  readonly identity: string;
  readonly address: string;
  /** Host and port by IP, whatever the mode: how a node recognises itself. */
  readonly direct: string;
  readonly family: AddressFamily;
  readonly draining: boolean;
}

/** Why an endpoint is not a candidate although it is wanted. */
export interface EndpointIssue {
  readonly type: "no-port" | "no-hostname" | "no-service" | "bad-address";
  /** `namespace/name` of the object. */
  readonly object: string;
  /** What was looked for, or found. */
  readonly detail: string;
}

/** What one object says. */
export interface KubernetesObject {
  /** `namespace/name`. */
  readonly key: string;
  readonly resourceVersion: string;
  readonly candidates: readonly Candidate[];
  /** How many endpoints are left out because they are not ready. */
  readonly notReady: number;
  /** At most one of each type: a thousand endpoints of one slice lack the same port. */
  readonly issues: readonly EndpointIssue[];
}

/** JSON that is not what the API describes. */
export class MalformedObject extends Error {}

type Json = Readonly<Record<string, unknown>>;

interface Endpoint {
  readonly identity: string;
  readonly ip: string;
  readonly family: AddressFamily;
  readonly hostname: string | undefined;
  readonly service: string | undefined;
  readonly namespace: string;
  readonly port: number | undefined;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
}

const DEFAULT_PORT_NAME = "foundation";
const SERVICE_LABEL = "kubernetes.io/service-name";

/**
 * Reads one object of a list or a watch.
 *
 * @throws {MalformedObject} for one that is not what the API describes
 */
export function readObject(
  resource: WatchedResource,
  json: unknown,
  rules: EndpointRules,
): KubernetesObject {
  const object = recordOf(json, "an object");
  const { key, namespace, resourceVersion } = readIdentity(object);
  const issues = new Map<string, EndpointIssue>();
  const note = (type: EndpointIssue["type"], detail: string): void => {
    if (!issues.has(type)) issues.set(type, { type, object: key, detail });
  };
  const endpoints =
    resource === "pods"
      ? podEndpoints(object, namespace, rules, note)
      : sliceEndpoints(object, namespace, rules, note);
  const candidates: Candidate[] = [];
  let notReady = 0;
  for (const endpoint of endpoints) {
    const candidate = isWanted(endpoint, rules) ? candidateOf(endpoint, rules, note) : undefined;
    if (candidate !== undefined) candidates.push(candidate);
    else if (!isWanted(endpoint, rules)) notReady += 1;
  }
  return { key, resourceVersion, candidates, notReady, issues: [...issues.values()] };
}

/** Name and version of any object. @throws {MalformedObject} without them */
export function readIdentity(object: Json): {
  readonly key: string;
  readonly namespace: string;
  readonly resourceVersion: string;
} {
  const metadata = recordOf(object["metadata"], "metadata");
  const namespace = textOf(metadata["namespace"]) ?? "";
  const name = textOf(metadata["name"]);
  const resourceVersion = textOf(metadata["resourceVersion"]);
  if (name === undefined || name === "") throw new MalformedObject("an object without a name");
  if (resourceVersion === undefined || resourceVersion === "") {
    throw new MalformedObject(`${namespace}/${name} has no resourceVersion`);
  }
  return { key: `${namespace}/${name}`, namespace, resourceVersion };
}

type Note = (type: EndpointIssue["type"], detail: string) => void;

function* sliceEndpoints(
  slice: Json,
  namespace: string,
  rules: EndpointRules,
  note: Note,
): Generator<Endpoint> {
  const family = slice["addressType"];
  if (family !== "IPv4" && family !== "IPv6") {
    // The type FQDN has no meaning of its own, and no controller writes it.
    note("bad-address", `addressType ${shown(family)}`);
    return;
  }
  const port = portAmong(listOf(slice["ports"], "ports"), "port", rules);
  const labels = optionalRecord(recordOf(slice["metadata"], "metadata")["labels"], "labels");
  const service = textOf(labels[SERVICE_LABEL]);
  for (const each of listOf(slice["endpoints"], "endpoints")) {
    const endpoint = recordOf(each, "an endpoint");
    const conditions = optionalRecord(endpoint["conditions"], "conditions");
    const target = optionalRecord(endpoint["targetRef"], "targetRef");
    const pod = textOf(target["name"]);
    // Addresses beyond the first have no meaning, says the API.
    const ip = textOf(listOf(endpoint["addresses"], "addresses")[0]);
    if (ip === undefined) throw new MalformedObject("an endpoint without an address");
    yield {
      identity: textOf(target["uid"]) ?? (pod === undefined ? ip : `${namespace}/${pod}`),
      ip,
      family,
      hostname: textOf(endpoint["hostname"]),
      service,
      namespace,
      port,
      ready: conditions["ready"] !== false,
      serving: conditions["serving"] !== false,
      terminating: conditions["terminating"] === true,
    };
  }
}

function* podEndpoints(
  pod: Json,
  namespace: string,
  rules: EndpointRules,
  _note: Note,
): Generator<Endpoint> {
  const metadata = recordOf(pod["metadata"], "metadata");
  const spec = optionalRecord(pod["spec"], "spec");
  const status = optionalRecord(pod["status"], "status");
  const phase = textOf(status["phase"]);
  // One that has ended keeps its address until it is deleted, and somebody else may have it by now.
  if (phase === "Succeeded" || phase === "Failed") return;
  const ips = listOf(status["podIPs"], "podIPs").map((each) =>
    textOf(recordOf(each, "a pod IP")["ip"]),
  );
  if (ips.length === 0) ips.push(textOf(status["podIP"]));
  const ready = listOf(status["conditions"], "conditions").some((each) => {
    const condition = recordOf(each, "a condition");
    return condition["type"] === "Ready" && condition["status"] === "True";
  });
  const terminating = textOf(metadata["deletionTimestamp"]) !== undefined;
  const containers = [
    ...listOf(spec["containers"], "containers"),
    ...listOf(spec["initContainers"], "initContainers"),
  ];
  const ports = containers.flatMap((each) =>
    listOf(recordOf(each, "a container")["ports"], "ports"),
  );
  for (const ip of ips) {
    if (ip === undefined || ip === "") continue;
    yield {
      identity: textOf(metadata["uid"]) ?? `${namespace}/${textOf(metadata["name"]) ?? ip}`,
      ip,
      family: ip.includes(":") ? "IPv6" : "IPv4",
      hostname: textOf(spec["hostname"]),
      service: textOf(spec["subdomain"]),
      namespace,
      port: portAmong(ports, "containerPort", rules),
      ready: ready && !terminating,
      serving: ready,
      terminating,
    };
  }
}

function isWanted({ ready, serving, terminating }: Endpoint, rules: EndpointRules): boolean {
  return ready || (terminating && serving) || rules.includeNotReady;
}

const IP = /^(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f]*:[0-9a-f:.]+)$/i;
const DNS_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

function candidateOf(endpoint: Endpoint, rules: EndpointRules, note: Note): Candidate | undefined {
  const { identity, family, terminating, port } = endpoint;
  const ip = endpoint.ip.toLowerCase();
  if (!IP.test(ip) || ip.includes(":") !== (family === "IPv6")) {
    note("bad-address", `${shown(endpoint.ip)} is no ${family} address`);
    return undefined;
  }
  if (port === undefined) {
    note("no-port", `named ${shown(rules.port ?? DEFAULT_PORT_NAME)}`);
    return undefined;
  }
  const bare = family === "IPv6" ? `[${ip}]` : ip;
  const host = rules.mode === "ip" ? bare : nameOf(endpoint, ip, rules, note);
  if (host === undefined) return undefined;
  const address = `${rules.scheme}://${host}:${port}`;
  return { identity, address, direct: `${bare}:${port}`, family, draining: terminating };
}

/** The name that the cluster's DNS has for the endpoint. */
function nameOf(
  { hostname, service = "", namespace }: Endpoint,
  ip: string,
  rules: EndpointRules,
  note: Note,
): string | undefined {
  if (rules.mode === "dns") {
    return `${ip.replace(/[.:]/g, "-")}.${namespace}.pod.${rules.clusterDomain}`;
  }
  if (hostname === undefined || hostname === "") {
    note("no-hostname", ip);
    return undefined;
  }
  const subdomain = service === "" ? rules.service : service;
  if (subdomain === undefined) {
    note("no-service", ip);
    return undefined;
  }
  const name = `${hostname}.${subdomain}.${namespace}.svc.${rules.clusterDomain}`;
  if (DNS_NAME.test(name)) return name;
  note("bad-address", `${shown(name)} is no DNS name`);
  return undefined;
}

function portAmong(
  ports: readonly unknown[],
  field: "port" | "containerPort",
  rules: EndpointRules,
): number | undefined {
  if (typeof rules.port === "number") return rules.port;
  const wanted = rules.port ?? DEFAULT_PORT_NAME;
  for (const each of ports) {
    const port = recordOf(each, "a port");
    const number = port[field];
    if (port["name"] !== wanted || (port["protocol"] ?? "TCP") !== "TCP") continue;
    if (Number.isInteger(number) && Number(number) >= 1 && Number(number) <= 65_535) {
      return Number(number);
    }
  }
  return rules.port === undefined ? rules.ownPort : undefined;
}

/** @throws {MalformedObject} for anything but a JSON object */
export function recordOf(value: unknown, what: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new MalformedObject(`${what} is ${shown(value)}`);
}

function optionalRecord(value: unknown, what: string): Json {
  return value === undefined || value === null ? {} : recordOf(value, what);
}

/** A list; a missing one is empty, because Go writes empty lists as `null` or not at all. */
export function listOf(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new MalformedObject(`${what} is ${shown(value)}, not a list`);
}

/** The text, or undefined for anything else. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
