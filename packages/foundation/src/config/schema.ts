/**
 * The one schema of the configuration: what may be said, in any layer, about a node and its cluster.
 *
 * Unknown options are errors here, not silence: a misspelt `topologgy` that does nothing is an outage in waiting.
 * Durations are checked where they are written, so that an error names the path and the layer.
 */
import {
  parseDuration,
  type DiscoveryStrategy,
  type Duration,
  type Logger,
  type Runtime,
} from "@foundation/core";
import type { LibclusterTopology } from "@foundation/discovery";
import * as v from "valibot";

const duration = v.custom<Duration>(
  isDuration,
  'a duration such as "5s", "250ms" or a number of milliseconds',
);
const name = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9@/._-]{0,127}$/, "1 to 128 letters, digits or @/._-"),
);
const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));

export const profiles = ["development", "production", "enterprise"] as const;
export const strategyNames = ["local", "static"] as const;

export const configSchema = v.strictObject({
  profile: v.picklist(profiles),
  name: v.optional(name),
  cluster: v.optional(
    v.union([v.picklist(strategyNames), v.custom<DiscoveryStrategy>(isStrategy, "a strategy")]),
  ),
  peers: v.optional(v.array(v.string())),
  dataDir: v.optional(v.string()),
  node: v.strictObject({
    name: v.optional(name),
    roles: v.array(v.string()),
    labels: v.record(v.string(), v.string()),
  }),
  overlay: v.strictObject({ host: v.string(), port }),
  processes: v.strictObject({
    supervisor: v.strictObject({
      maxRestarts: v.pipe(v.number(), v.integer(), v.minValue(0)),
      within: duration,
    }),
  }),
  security: v.strictObject({
    secret: v.optional(
      v.pipe(
        v.string(),
        v.minLength(16, "a secret of at least 16 characters"),
        v.metadata({ secret: true, fix: "Make one with `openssl rand -base64 32`." }),
      ),
    ),
  }),
  log: v.strictObject({ level: v.picklist(["debug", "info", "warn", "error", "silent"]) }),
  shutdown: v.strictObject({ timeout: duration }),
  signals: v.boolean(),
});

/** The configuration as it is in force. */
export type ResolvedConfig = v.InferOutput<typeof configSchema>;

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
  /** How peers are found: a strategy's name, or a strategy. @default what `detect()` finds: "local" on a laptop */
  readonly cluster?: (typeof strategyNames)[number] | DiscoveryStrategy;
  /** Addresses for the "static" strategy: `host:port` or `ws://host:port`. */
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
  readonly overlay?: {
    /** Where to listen; only loopback in this version. @default "127.0.0.1" */
    readonly host?: string;
    /** @default 0: a free one */
    readonly port?: number;
  };
  readonly processes?: {
    /** How often a child may be restarted on its node. @default 3 restarts within "5s" */
    readonly supervisor?: { readonly maxRestarts?: number; readonly within?: Duration };
  };
  readonly security?: {
    /** Shared by all nodes of the cluster. @default one made once for each user of the machine */
    readonly secret?: string;
  };
  /** @default { level: "warn" } in development, { level: "info" } otherwise */
  readonly log?: { readonly level?: "debug" | "info" | "warn" | "error" | "silent" };
  /**
   * How long `leave()` may take. Each step that is stuck after this adds 250 ms, so at most 1.25 s: give an orchestrator's
   * grace period 2 s more. @default { timeout: "10s" }, { timeout: "25s" } in production
   */
  readonly shutdown?: { readonly timeout?: Duration };
  /** Leave gracefully on SIGTERM and SIGINT (a second one exits at once). @default true */
  readonly signals?: boolean;
}

/** What only code can give, beside the configuration. */
export interface StartOptions extends ClusterConfig {
  /** Where `foundation.config.*` and the nearest package are looked for. @default process.cwd() */
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

function isDuration(value: unknown): boolean {
  try {
    parseDuration(value as Duration, "duration");
    return true;
  } catch {
    return false;
  }
}

function isStrategy(value: unknown): boolean {
  const candidate = value as Partial<DiscoveryStrategy> | null;
  return typeof candidate === "object" && typeof candidate?.discover === "function";
}
