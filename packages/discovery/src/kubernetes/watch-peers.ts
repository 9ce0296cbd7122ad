/**
 * watchPeers: the strategy `kubernetes` when it runs: one follower for each namespace, one table, and a
 * full set whenever the table has changed.
 *
 * Invariants: every namespace has a follower as long as the strategy runs; the end leaves no connection and no timer.
 */
import type { DiscoveryContext, PeerSet } from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import type { AddressFamily, EndpointRules } from "../protocol/kubernetes/endpoint-rules.js";
import { EndpointTable } from "../protocol/kubernetes/endpoint-table.js";
import { LatestSet } from "../strategies/latest-set.js";
import { ApiClient } from "./api-client.js";
import { connectByHttps, type ConnectApi } from "./api-connection.js";
import { Follower } from "./follower.js";
import type { KubernetesOptions } from "./kubernetes.js";
import { OfferedPeers, type Progress } from "./offered-peers.js";
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
  const { environment } = world;
  const account = new ServiceAccount(options, environment);
  const namespaces = await account.namespaces();
  if (signal.aborted) return;
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
  const names = namespaces.map((namespace) => namespace ?? "*");
  const offered = new OfferedPeers(context, shared.table, latest, names);
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  signal.addEventListener("abort", stop, { once: true });
  const runs = namespaces.map((namespace) => {
    const onProgress = (progress: Progress): void => offered.handle(namespace ?? "*", progress);
    // One that breaks, which is a fault of ours, ends all of them: the strategy is then started anew.
    return new Follower({ ...shared, namespace, onProgress }).run(abort.signal).finally(stop);
  });
  const ended = Promise.all(runs);
  ended.catch(() => undefined);
  try {
    yield* latest.sets(abort.signal);
    await ended;
  } finally {
    signal.removeEventListener("abort", stop);
    abort.abort();
    offered.close();
    shared.client.close();
    await Promise.allSettled(runs);
  }
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
