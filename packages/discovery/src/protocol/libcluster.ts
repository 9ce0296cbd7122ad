/**
 * Configurations in the shape of libcluster (https://hexdocs.pm/libcluster): named topologies, each
 * with a strategy and its config. Translated into the strategies here and their options, as plain data.
 *
 * The names are those of the Elixir modules, with or without `Cluster.Strategy.`; the options keep
 * their Elixir spelling. A strategy or an option that is not known is a typed error, never a silent
 * default; options that only make names of Erlang nodes or pace a poll that is a watch here mean nothing.
 */
import { coreErrors } from "@foundation/core";
import { STRATEGY_NAMES } from "./detection.js";
import { discoveryErrors } from "../errors.js";
import { parsePeerAddress } from "./peer-address.js";

/** One topology of libcluster. */
export interface LibclusterTopology {
  /** e.g. `Cluster.Strategy.Epmd` or `Epmd` */
  readonly strategy: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

/** What a topology means here: the name of a strategy and its options. */
export type TranslatedTopology = { readonly topology: string } & (
  | { readonly strategy: "local" }
  | { readonly strategy: "static"; readonly addresses: readonly string[] }
  | { readonly strategy: "dns"; readonly options: TranslatedDns }
  | { readonly strategy: "gossip"; readonly options: TranslatedGossip }
  | { readonly strategy: "kubernetes"; readonly options: TranslatedKubernetes }
);

/** Of `dns`. */
export interface TranslatedDns {
  readonly query: string;
  readonly type?: "A" | "SRV";
  /** Milliseconds. */
  readonly interval?: number;
}

/** Of `gossip`. */
export interface TranslatedGossip {
  readonly port?: number;
  readonly multicastAddress?: string;
  readonly multicastTtl?: number;
  readonly interfaces?: readonly string[];
  readonly broadcast?: boolean;
  readonly secret?: string;
}

/** Of `kubernetes`. */
export interface TranslatedKubernetes {
  readonly selector?: string;
  readonly namespace?: string;
  readonly service?: string;
  readonly mode?: "ip" | "hostname" | "dns";
  readonly resource?: "endpoints" | "pods";
  readonly clusterDomain?: string;
  readonly server?: string;
  readonly serviceAccountDirectory?: string;
}

/**
 * Translates `topologies`.
 *
 * @throws {ERR_STRATEGY_UNAVAILABLE} for a strategy this version does not have
 * @throws {ERR_INVALID_ARGUMENT} for a topology or an option that cannot be understood
 * @throws {ERR_PEER_ADDRESS} for a host without a port: there is no port mapper here
 *
 * @example
 * ```ts
 * import { fromLibcluster } from "@foundation/discovery"
 *
 * const [main] = fromLibcluster({
 *   main: { strategy: "Cluster.Strategy.Epmd", config: { hosts: ["a@10.0.0.7:4100"] } },
 * })
 * ```
 */
export function fromLibcluster(
  topologies: Readonly<Record<string, LibclusterTopology>>,
): readonly TranslatedTopology[] {
  return Object.entries(topologies).map(([topology, value]) => translate(topology, value));
}

function translate(topology: string, value: LibclusterTopology): TranslatedTopology {
  const path = `topologies.${topology}`;
  if (typeof value !== "object" || value === null || typeof value.strategy !== "string") {
    throw invalid(path, "{ strategy, config }", typeof value);
  }
  const name = value.strategy.replace(/^(Elixir\.)?Cluster\.Strategy\./, "");
  const given = new Config(`${path}.config`, value.config ?? {});
  switch (name) {
    case "LocalEpmd":
      given.refuseOthers([]);
      return { topology, strategy: "local" };
    case "Epmd":
      // `timeout` says how often Erlang connects again; here the overlay always does.
      given.refuseOthers(["hosts", "timeout"]);
      return { topology, strategy: "static", addresses: hostsOf(path, given.value("hosts")) };
    case "DNSPoll":
    case "Kubernetes.DNS":
    case "Kubernetes.DNSSRV":
      return { topology, strategy: "dns", options: dnsOf(name, given) };
    case "Gossip":
      return { topology, strategy: "gossip", options: gossipOf(given) };
    case "Kubernetes":
      return { topology, strategy: "kubernetes", options: kubernetesOf(given) };
    default:
      throw discoveryErrors.ERR_STRATEGY_UNAVAILABLE(
        `${path}.strategy is ${value.strategy.slice(0, 80)}, which ${prospect(name)}. ` +
          "Known are Epmd, LocalEpmd, DNSPoll, Gossip, Kubernetes, Kubernetes.DNS and Kubernetes.DNSSRV.",
        { strategy: value.strategy, available: STRATEGY_NAMES },
      );
  }
}

function prospect(name: string): string {
  if (name === "ErlangHosts") return "reads Erlang's .hosts.erlang; list those hosts as Epmd";
  return "is not known here";
}

/** Of names of Erlang nodes, which these options make, there are none here. */
const ERLANG_NAMES = ["node_basename", "application_name", "kubernetes_node_basename"] as const;

function dnsOf(
  name: "DNSPoll" | "Kubernetes.DNS" | "Kubernetes.DNSSRV",
  given: Config,
): TranslatedDns {
  const isSrv = name === "Kubernetes.DNSSRV";
  const isPoll = name === "DNSPoll";
  // What DNSPoll's documentation calls `poll_interval` its code reads as `polling_interval`; both are meant.
  const intervals = ["polling_interval", "poll_interval"];
  const names = isPoll ? ["query"] : isSrv ? ["service", "namespace"] : ["service"];
  given.refuseOthers([...names, ...intervals, ...ERLANG_NAMES]);
  const interval = given.number("polling_interval") ?? given.number("poll_interval");
  const rest = interval === undefined ? {} : { interval };
  if (isPoll) return { query: given.required("query"), ...rest };
  const service = given.required("service");
  if (!isSrv) return { query: service, type: "A", ...rest };
  // The domain of the cluster is in the search list of every pod.
  return { query: `${service}.${given.required("namespace")}.svc`, type: "SRV", ...rest };
}

function gossipOf(given: Config): TranslatedGossip {
  given.refuseOthers([
    ...["port", "if_addr", "multicast_if", "multicast_addr", "multicast_ttl"],
    ...["broadcast_only", "secret"],
  ]);
  const broadcast = given.flag("broadcast_only");
  const own = given.text("if_addr");
  const from = given.text("multicast_if") ?? (own === "0.0.0.0" ? undefined : own);
  return defined({
    port: given.number("port"),
    // With `broadcast_only` it is a broadcast address, which each network here knows by itself.
    multicastAddress: broadcast === true ? undefined : given.text("multicast_addr"),
    multicastTtl: given.number("multicast_ttl"),
    interfaces: from === undefined ? undefined : [from],
    broadcast,
    secret: given.text("secret"),
  });
}

function kubernetesOf(given: Config): TranslatedKubernetes {
  given.refuseOthers([
    ...["kubernetes_selector", "kubernetes_namespace", "kubernetes_service_name", "mode"],
    ...["kubernetes_ip_lookup_mode", "kubernetes_cluster_name", "kubernetes_master"],
    "kubernetes_service_account_path",
    // A watch is never polled, and starts with a list of its own.
    ...["polling_interval", "kubernetes_use_cached_resources", ...ERLANG_NAMES],
  ]);
  const name = given.text("kubernetes_cluster_name");
  const master = given.text("kubernetes_master")?.replace(/\.$/, "");
  return defined({
    selector: given.text("kubernetes_selector"),
    namespace: given.text("kubernetes_namespace"),
    service: given.text("kubernetes_service_name"),
    mode: given.choice("mode", ["ip", "hostname", "dns"]),
    resource: given.choice("kubernetes_ip_lookup_mode", ["endpoints", "pods"]),
    clusterDomain: name === undefined ? undefined : `${name}.local`,
    server: master === undefined ? undefined : `https://${master}`,
    serviceAccountDirectory: given.text("kubernetes_service_account_path"),
  });
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what is undefined: an option that is not there is not an option that is undefined. */
function defined<T extends object>(given: T): Defined<T> {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<T>;
}

/** The options of one topology, read by name; what is of another type is refused with its path. */
class Config {
  constructor(
    readonly path: string,
    readonly values: Readonly<Record<string, unknown>>,
  ) {}

  value(name: string): unknown {
    return Object.hasOwn(this.values, name) ? this.values[name] : undefined;
  }

  /** A text, or an atom as Elixir writes it (`:hostname`). */
  text(name: string): string | undefined {
    const value = this.value(name);
    if (value === undefined || value === null) return undefined;
    if (typeof value === "string" && value !== "") return value.replace(/^:/, "");
    throw invalid(`${this.path}.${name}`, "a text", typeof value);
  }

  required(name: string): string {
    const text = this.text(name);
    if (text === undefined) throw invalid(`${this.path}.${name}`, "a text", "nothing");
    return text;
  }

  number(name: string): number | undefined {
    const value = this.value(name);
    if (value === undefined || value === null) return undefined;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw invalid(`${this.path}.${name}`, "a number", typeof value);
  }

  flag(name: string): boolean | undefined {
    const value = this.value(name);
    if (value === undefined || value === null || typeof value === "boolean") {
      return value ?? undefined;
    }
    throw invalid(`${this.path}.${name}`, "true or false", typeof value);
  }

  choice<const Choice extends string>(
    name: string,
    choices: readonly Choice[],
  ): Choice | undefined {
    const text = this.text(name);
    const chosen = choices.find((each) => each === text);
    if (text === undefined || chosen !== undefined) return chosen;
    throw invalid(`${this.path}.${name}`, `one of ${choices.join(", ")}`, text.slice(0, 40));
  }

  refuseOthers(known: readonly string[]): void {
    const unknown = Object.keys(this.values).find((key) => !known.includes(key));
    if (unknown === undefined) return;
    const expected = known.length === 0 ? "no option" : `only ${known.join(", ")}`;
    throw invalid(this.path, expected, unknown.slice(0, 40));
  }
}

/** `name@host:port`, as Erlang writes nodes, or `host:port`. */
function hostsOf(path: string, hosts: unknown): readonly string[] {
  const isList = Array.isArray(hosts) && hosts.every((each) => typeof each === "string");
  if (!isList) throw invalid(`${path}.config.hosts`, "a list of texts", typeof hosts);
  return (hosts as readonly string[]).map((host) =>
    parsePeerAddress(host.replace(/^:?"?[A-Za-z0-9_-]+@/, "")),
  );
}

function invalid(argument: string, expected: string, found: string): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(`${argument} must be ${expected}, found ${found}`, {
    argument,
    expected,
    found,
  });
}
