/**
 * ClusterConfig and StartOptions: the configuration as a user writes it. `schema.ts` checks the same thing at run time, and
 * says what the types cannot.
 */
import type { DiscoveryStrategy, Duration, Logger, Placement, Runtime } from "@foundation/core";
import type { LibclusterTopology, StrategyName } from "@foundation/discovery";
import type { AutomaticRebalance } from "@foundation/registry";
import type { ChannelOptions } from "../channels/channel.js";
import type { DiscoveryConfig } from "./discovery-layer.js";
import type { presets, profiles, topologies } from "./schema.js";

/**
 * Certificates of this node for mutual TLS. Each is a text in PEM (`-----BEGIN …`) or else the path of such a file. A node's
 * certificate names the cluster: `URI:foundation://<cluster>/…` among its alternative names.
 */
export interface TlsCertificates {
  /** This node's certificate, followed by its intermediate ones. */
  readonly cert: string;
  /** Its private key, unencrypted. */
  readonly key: string;
  /** Whose certificates are trusted: an authority of the cluster's own, never a public one. */
  readonly ca: string;
}

/** How links between nodes behave; beyond loopback every node wants the same `tls`. */
export interface OverlayConfig {
  /** Where to listen. Beyond loopback links are encrypted, see `security.tls`. @default "127.0.0.1" */
  readonly host?: string;
  /** @default 0: a free one */
  readonly port?: number;
  /**
   * What peers dial, `host` or `host:port`, where that differs from where this node listens.
   * @default host and port; on 0.0.0.0 or ::, the first address of this machine
   */
  readonly advertise?: string;
  /** Windows and timeouts for the distance between the nodes. @default "local" on loopback, "lan" beyond */
  readonly preset?: (typeof presets)[number];
  /**
   * How nodes are linked. `full-mesh`: each to all, up to about a hundred; `hyparview`: each to six, up to a thousand;
   * `client-server`: nodes to servers, beyond that. `auto` changes between them as the cluster grows and shrinks, and
   * `switchTopology` by hand. @default "auto"
   */
  readonly topology?: (typeof topologies)[number];
  /** Options of channels by name, your own and the framework's. What is not listed exists too. */
  readonly channels?: readonly (string | (ChannelOptions & { readonly name: string }))[];
  /** Compresses payloads of 1 KiB and more where that helps, on channels that do not say it themselves. @default false */
  readonly compression?: boolean;
}

/** Who may be a member, and who can read along. */
export interface SecurityConfig {
  /**
   * Shared by all nodes of the cluster. A list is a key ring of up to 8: each is accepted, the first is proved.
   * @default one made once for each user of the machine, which no other machine knows
   */
  readonly secret?: string | readonly string[] | undefined;
  /**
   * "psk": TLS 1.3 keyed by the secret. Certificates: mutual TLS. "off": no encryption, on loopback only.
   * @default "off" on loopback, "psk" beyond
   */
  readonly tls?: "psk" | "off" | TlsCertificates;
  /**
   * Lets production listen beyond loopback with a weak secret. Each minute of it is logged, and `health()` is degraded.
   * @default nothing
   */
  readonly insecure?: "i-know";
}

/** Who keeps what the cluster agrees on: `kv`, `locks`, `elections`, `config.setClusterWide` and the like. */
export interface ConsensusConfig {
  /**
   * Names of the first voters, the same on every node; three or five. Each of them needs a `dataDir`, and all of them must
   * come up once. Or `"operator"`: nodes wait for `foundation consensus bootstrap`, given once.
   * @default none; in development, one process of this machine votes for all
   */
  readonly voters?: readonly string[] | "operator";
  /**
   * Whether this node may become a voter when one is wanted, though it is no first one: it needs a `dataDir`, gets the
   * whole log, and takes the place of a voter that is dead or leaves. @default false; true where an operator founds the
   * group and this node has a `dataDir`
   */
  readonly candidate?: boolean;
  /** How the voters are kept; the same on every node that may vote. */
  readonly keep?: {
    /** Voters wanted. @default as many as there are first voters, made odd */
    readonly voters?: 1 | 3 | 5 | 7;
    /** A voter that is gone for so long is replaced by a candidate. @default "5m" */
    readonly replaceAfter?: Duration;
    /** The label that says in which zone a node stands; voters are spread over zones. @default "zone" */
    readonly zoneLabel?: string;
  };
  /** Where a voter keeps its log, if not with the node's identity. @default `dataDir` */
  readonly dataDir?: string;
}

/**
 * What `startCluster` takes and `foundation.config.*` holds. Everything is optional.
 *
 * @example
 * ```ts
 * import { defineConfig } from "@foundation/foundation"
 *
 * export default defineConfig({ name: "shop", node: { roles: ["web"] }, log: { level: "info" } })
 * ```
 */
export interface ClusterConfig {
  /** The set of defaults to start from. @default "development" */
  readonly profile?: (typeof profiles)[number];
  /**
   * The cluster's name: only nodes of one name meet.
   * @default the nearest package's name and a hash of its folder; required in production
   */
  readonly name?: string;
  /**
   * How peers are found: a strategy's name, or a strategy. One that finds other machines makes the node listen on all
   * addresses, and on port 4100 where the backend knows no ports (`kubernetes`, `dns`, `aws`, `gcp`), unless `overlay` says
   * otherwise. @default what `detect()` finds: "local" on a laptop
   */
  readonly cluster?: StrategyName | DiscoveryStrategy;
  /** The same for several strategies in two ranks, instead of `cluster`. */
  readonly discovery?: DiscoveryConfig;
  /**
   * Addresses for the "static" strategy: `host:port`, dialled with TLS where this node has it, or `ws://host:port` or
   * `wss://host:port`.
   */
  readonly peers?: readonly string[];
  /** The same in libcluster's shape, instead of `cluster` and `peers`; Epmd and LocalEpmd in this version. */
  readonly topologies?: Readonly<Record<string, LibclusterTopology>>;
  /** Keeps the node's identity across restarts. @default nothing is kept; each start is a new node */
  readonly dataDir?: string;
  readonly node?: {
    /** For people. @default `app-host-pid` */
    readonly name?: string;
    readonly roles?: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly overlay?: OverlayConfig;
  readonly processes?: {
    /** How often a child may be restarted on its node. @default 3 restarts within "5s" */
    readonly supervisor?: { readonly maxRestarts?: number; readonly within?: Duration };
    /** Chooses the nodes of distributed processes; the same on every node. @default hashRing() */
    readonly placement?: Placement;
    /**
     * How long the name of a process with `consistency: "strong"` stays with a node that has died: "1s" to "10m". A shorter
     * one moves it sooner, and loses it to a shorter pause. @default "10s"
     */
    readonly leaseTtl?: Duration;
    /**
     * The names of the nodes that belong to the cluster, or how many they are: what `partition: "quorum"` counts from where
     * there are no voters. The same on every node. @default none: without voters such processes are refused
     */
    readonly expect?: readonly string[] | number;
    /** Whether distributed processes are evened out when a node has joined. @default "off" */
    readonly rebalance?: AutomaticRebalance;
  };
  readonly consensus?: ConsensusConfig;
  readonly security?: SecurityConfig;
  /** @default { level: "warn" } in development, { level: "info" } otherwise */
  readonly log?: { readonly level?: "debug" | "info" | "warn" | "error" | "silent" };
  /**
   * How long `leave()` may take. Each step that is stuck after this adds 250 ms, so at most 1.75 s: give an orchestrator's
   * grace period 2 s more. @default { timeout: "10s" }, { timeout: "25s" } in production
   */
  readonly shutdown?: { readonly timeout?: Duration };
  /** Leave gracefully on SIGTERM and SIGINT (a second one exits at once). @default true */
  readonly signals?: boolean;
}

/** What only code can give, beside the configuration. */
export interface StartOptions extends ClusterConfig {
  /**
   * Where `foundation.config.*` and the nearest package are looked for, and what relative paths of certificates begin
   * from. @default process.cwd()
   */
  readonly cwd?: string;
  /** A logger of your own. */
  readonly logger?: Logger;
  /** Parts of the outside world to replace: a clock, a transport, … */
  readonly runtime?: Partial<Runtime>;
  /** Gives up starting when it fires. */
  readonly signal?: AbortSignal;
}

/** Types a configuration file. Returns what it is given. */
export function defineConfig(config: ClusterConfig): ClusterConfig {
  return config;
}
