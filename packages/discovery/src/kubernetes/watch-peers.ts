/**
 * watchPeers: the strategy `kubernetes` when it runs: one follower for each namespace, one table, and a
 * full set whenever the table has changed.
 *
 * Invariants: the first set comes when each namespace has listed or failed once, and one has listed; a
 * list of nobody, not even of this node, changes nothing and is reported; the end leaves no connection
 * and no timer.
 */
import type { DiscoveryContext, PeerSet } from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import type { AddressFamily, EndpointRules } from "../protocol/kubernetes/endpoint-rules.js";
import { EndpointTable } from "../protocol/kubernetes/endpoint-table.js";
import { LatestSet } from "../strategies/latest-set.js";
import { ApiClient } from "./api-client.js";
import { connectByHttps, type ConnectApi } from "./api-connection.js";
import { Follower, type Following } from "./follower.js";
import { emptied } from "./endpoint-issue.js";
import type { KubernetesOptions } from "./kubernetes.js";
import { ServiceAccount, type Environment } from "./service-account.js";

/** The world around the strategy, to be replaced in tests. */
export interface KubernetesWorld {
  readonly environment: Environment;
  readonly connect: ConnectApi;
}

const NAME = "kubernetes";

/**
 * Watches until the context's signal fires.
 *
 * @throws {ERR_KUBERNETES_SETTING} when it does not know what to ask for
 */
export async function* watchPeers(
  options: KubernetesOptions,
  context: DiscoveryContext,
  world: KubernetesWorld = { environment: process.env, connect: connectByHttps },
): AsyncGenerator<PeerSet, void, undefined> {
  const { signal, clock } = context;
  if (signal.aborted) return;
  const { environment } = world;
  const account = new ServiceAccount(options, environment);
  const namespaces = await account.namespaces();
  const own = ownAddress(context.self.address);
  const rules = rulesOf(options, environment, own);
  const shared = {
    context,
    client: new ApiClient(account, world.connect, clock),
    table: new EndpointTable(options.ipFamily ?? own.family, own.direct),
    rules,
    resource: options.resource ?? "endpoints",
    labelSelector: selectorOf(options, environment, context.cluster),
    server: account.server(),
  } as const;
  const latest = new LatestSet(NAME);
  const offer = offerTo(latest, shared, namespaces.length);
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  signal.addEventListener("abort", stop, { once: true });
  const runs = namespaces.map((namespace) => follow({ ...shared, namespace }, offer, abort.signal));
  try {
    yield* latest.sets(signal);
  } finally {
    signal.removeEventListener("abort", stop);
    abort.abort();
    shared.client.close();
    await Promise.allSettled(runs);
  }
}

type Offer = (progress: "listed" | "changed" | "failed", isFirst: boolean) => void;

/** A follower that breaks is a fault of ours: it is told, and the others go on. */
async function follow(
  shared: Omit<Following, "onProgress">,
  offer: Offer,
  signal: AbortSignal,
): Promise<void> {
  let isFirst = true;
  const onProgress: Following["onProgress"] = (progress) => {
    offer(progress, isFirst);
    if (progress !== "changed") isFirst = false;
  };
  try {
    await new Follower({ ...shared, onProgress }).run(signal);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `Following a namespace of Kubernetes stopped: ${reason}. Its last peers stay on offer.`;
    shared.context.report(
      discoveryErrors.ERR_DISCOVERY_FAILED(message, { strategy: NAME, reason }, error),
    );
  }
}

/** Puts the table's peers on offer whenever they have changed; see the module's invariants. */
function offerTo(
  latest: LatestSet,
  { table, context }: Pick<Following, "table" | "context">,
  namespaces: number,
): Offer {
  let waiting = namespaces;
  let hasListed = false;
  let offered: { readonly changes: number; readonly count: number } | undefined;
  return (progress, isFirst) => {
    if (progress === "listed") hasListed = true;
    if (progress !== "changed" && isFirst) waiting -= 1;
    if (waiting > 0 || !hasListed || table.changes === offered?.changes) return;
    const { changes } = table;
    if (table.isEmpty && offered !== undefined && offered.count > 0) {
      context.report(emptied(offered.count));
      offered = { changes, count: offered.count };
      return;
    }
    const peers = table.peers();
    offered = { changes, count: peers.length };
    latest.put(peers);
  };
}

interface OwnAddress {
  readonly scheme: "ws" | "wss";
  readonly port: number | undefined;
  readonly family: AddressFamily;
  /** Host and port, as a candidate's `direct`. */
  readonly direct: string;
}

function ownAddress(address: string): OwnAddress {
  const form = /^(wss?):\/\/(\[[^\]]+\]|[^:/]+):([0-9]{1,5})\/?$/i.exec(address);
  const [, scheme = "ws", host = "", port] = form ?? [];
  return {
    scheme: scheme.toLowerCase() === "wss" ? "wss" : "ws",
    port: port === undefined ? undefined : Number(port),
    family: host.startsWith("[") ? "IPv6" : "IPv4",
    direct: `${host.toLowerCase()}:${port ?? ""}`,
  };
}

function rulesOf(
  options: KubernetesOptions,
  environment: Environment,
  own: OwnAddress,
): EndpointRules {
  const domain = environment["CLUSTER_DOMAIN"]?.trim().replace(/^\.+|\.+$/g, "");
  return {
    mode: options.mode ?? "ip",
    port: options.port,
    ownPort: own.port,
    scheme: own.scheme,
    clusterDomain: options.clusterDomain ?? (domain ? domain : "cluster.local"),
    service: options.service ?? set(environment, "FOUNDATION_KUBERNETES_SERVICE"),
    includeNotReady: options.includeNotReady ?? false,
  };
}

const LABEL_VALUE = /^[a-z0-9]([-a-z0-9_.]{0,61}[a-z0-9])?$/i;

/** The label selector; without one it would be every service's endpoints. */
function selectorOf(
  { resource, service, selector }: KubernetesOptions,
  environment: Environment,
  cluster: string,
): string {
  const named = service ?? set(environment, "FOUNDATION_KUBERNETES_SERVICE");
  const given = selector ?? set(environment, "FOUNDATION_KUBERNETES_SELECTOR");
  if (resource === "pods")
    return given ?? `app.kubernetes.io/name=${fromCluster(cluster, "selector")}`;
  const wanted = service ?? (selector === undefined ? named : undefined);
  if (wanted === undefined && given !== undefined) return given;
  const byService = `kubernetes.io/service-name=${wanted ?? fromCluster(cluster, "service")}`;
  return given === undefined ? byService : `${byService},${given}`;
}

function fromCluster(cluster: string, setting: "selector" | "service"): string {
  if (LABEL_VALUE.test(cluster)) return cluster;
  const reason = `it is not given, and the cluster's name "${cluster}" cannot stand for it`;
  const variable = `FOUNDATION_KUBERNETES_${setting.toUpperCase()}`;
  throw discoveryErrors.ERR_KUBERNETES_SETTING(
    `Discovery on Kubernetes does not know its ${setting}: ${reason}. ` +
      `Give kubernetes({ ${setting}: … }) or set ${variable}.`,
    { setting, reason },
  );
}

/** An empty variable counts as not set: container tools cannot leave one out. */
function set(environment: Environment, name: string): string | undefined {
  const text = environment[name]?.trim();
  return text === undefined || text === "" ? undefined : text;
}
