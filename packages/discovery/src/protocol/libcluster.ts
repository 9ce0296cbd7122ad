/**
 * Configurations in the shape of libcluster (https://hexdocs.pm/libcluster): named topologies, each
 * with a strategy and its config. Translated into the strategies of this version, as plain data.
 *
 * The names are those of the Elixir modules, with or without `Cluster.Strategy.`; the options keep
 * their Elixir spelling. A strategy that is not here yet is a typed error, never a silent default.
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

/** What a topology means here. */
export type TranslatedTopology =
  | { readonly topology: string; readonly strategy: "local" }
  | {
      readonly topology: string;
      readonly strategy: "static";
      readonly addresses: readonly string[];
    };

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
  const config = value.config ?? {};
  switch (name) {
    case "LocalEpmd":
      refuseUnknown(path, config, []);
      return { topology, strategy: "local" };
    case "Epmd":
      // `timeout` says how often Erlang connects again; here the overlay always does.
      refuseUnknown(path, config, ["hosts", "timeout"]);
      return { topology, strategy: "static", addresses: hostsOf(path, config["hosts"]) };
    default:
      throw discoveryErrors.ERR_STRATEGY_UNAVAILABLE(
        `${path}.strategy is ${value.strategy.slice(0, 80)}, which ${prospect(name)}. ` +
          "Epmd (a list of hosts) and LocalEpmd (this machine) are part of this version.",
        { strategy: value.strategy, available: STRATEGY_NAMES },
      );
  }
}

/** Strategies of libcluster, and the strategy that each will be translated to. */
const LATER: Readonly<Record<string, string>> = {
  DNSPoll: "dns",
  Gossip: "gossip",
  Kubernetes: "kubernetes",
  "Kubernetes.DNS": "dns",
  "Kubernetes.DNSSRV": "dns",
};

function prospect(name: string): string {
  const later = Object.hasOwn(LATER, name) ? LATER[name] : undefined;
  if (later !== undefined) return `arrives in a later version, with the strategy "${later}"`;
  if (name === "ErlangHosts") return "reads Erlang's .hosts.erlang; list those hosts as Epmd";
  return "is not known here";
}

/** `name@host:port`, as Erlang writes nodes, or `host:port`. */
function hostsOf(path: string, hosts: unknown): readonly string[] {
  const isList = Array.isArray(hosts) && hosts.every((each) => typeof each === "string");
  if (!isList) throw invalid(`${path}.config.hosts`, "a list of texts", typeof hosts);
  return (hosts as readonly string[]).map((host) =>
    parsePeerAddress(host.replace(/^:?"?[A-Za-z0-9_-]+@/, "")),
  );
}

function refuseUnknown(
  path: string,
  config: Readonly<Record<string, unknown>>,
  known: readonly string[],
): void {
  const unknown = Object.keys(config).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const expected = known.length === 0 ? "no option" : `only ${known.join(", ")}`;
  throw invalid(`${path}.config`, expected, unknown);
}

function invalid(argument: string, expected: string, found: string): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(`${argument} must be ${expected}, found ${found}`, {
    argument,
    expected,
    found,
  });
}
