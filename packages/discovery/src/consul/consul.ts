/**
 * consul: nodes find each other through the service catalogue of a Consul agent.
 *
 * The node registers itself as an instance of a service, with a check of the kind TTL that it renews, and waits for
 * changes of that service by blocking queries, so that a join is seen as soon as Consul knows of it. The implementation is
 * loaded when it is used.
 */
import type {
  DiscoveryContext,
  DiscoveryStrategy,
  Duration,
  PeerSet,
  Secret,
} from "@foundation/core";
import { checkConsul } from "./consul-options.js";

/** How to connect to an agent that speaks HTTPS; PEM texts. */
export interface ConsulTls {
  /** CAs to trust instead of Node's. @default the file CONSUL_CACERT names */
  readonly ca?: string;
  /** This client's certificate. @default the file CONSUL_CLIENT_CERT names */
  readonly cert?: string;
  /** Its key. @default the file CONSUL_CLIENT_KEY names */
  readonly key?: string;
  /** The name the agent's certificate is for. @default CONSUL_TLS_SERVER_NAME, else the address's host */
  readonly servername?: string;
}

/** Options of `consul`. */
export interface ConsulOptions {
  /**
   * The agent: `host:port`, `http://host:port`, `https://host:port`, or `unix:///path` of a socket.
   * @default CONSUL_HTTP_ADDR, else 127.0.0.1:8500; over HTTPS when CONSUL_HTTP_SSL is true
   */
  readonly address?: string;
  /** The ACL token. @default CONSUL_HTTP_TOKEN */
  readonly token?: string | Secret;
  /** A file with the ACL token, read anew for each request. @default CONSUL_HTTP_TOKEN_FILE */
  readonly tokenFile?: string;
  /** The service whose instances are the nodes. @default the cluster's name, as a DNS label */
  readonly service?: string;
  /** This node registers with these tags, and finds instances that have all of them. @default none */
  readonly tags?: readonly string[];
  /** The datacentre to look in; registration is always with the agent's own. @default the agent's */
  readonly datacenter?: string;
  /** Consul Enterprise: the namespace. @default CONSUL_NAMESPACE */
  readonly namespace?: string;
  /** Consul Enterprise: the admin partition. @default CONSUL_PARTITION */
  readonly partition?: string;
  /** Only instances none of whose checks fails; those that drain are found, and marked. @default true */
  readonly passing?: boolean;
  /**
   * Which of Consul's servers may answer: `stale` any of them (less load, may be behind), `consistent` only a leader that
   * has asked the others.
   * @default "default"
   */
  readonly consistency?: "default" | "stale" | "consistent";
  /** Register this node; `false` where something else does (Nomad, a sidecar). @default true */
  readonly register?: boolean;
  /** Consul takes this node as failed when it was not heard of for so long; renewed three times as often. @default "15s" */
  readonly ttl?: Duration;
  /** Consul forgets a node that failed for so long; Consul's own least is a minute. @default "1m" */
  readonly deregisterAfter?: Duration;
  /** The longest one query waits for a change, up to Consul's own 10 minutes. @default "1m" */
  readonly wait?: Duration;
  /** The least time between two queries, however often something changes. @default "250ms" */
  readonly interval?: Duration;
  /** @default what the environment names */
  readonly tls?: ConsulTls;
}

/**
 * Finds the nodes that are registered in Consul, and registers this one.
 *
 * A problem is reported and changes nothing: `ERR_LOOKUP_REFUSED` names the ACL rule that is missing, `ERR_LOOKUP_FAILED`
 * says what else is wrong.
 *
 * @throws {ERR_INVALID_ARGUMENT} for an option that is none
 *
 * @example
 * ```ts
 * import { consul } from "@foundation/discovery"
 *
 * const strategy = consul({ service: "shop", tags: ["eu"] })
 * console.log(strategy.name) // consul
 * ```
 */
export function consul(options: ConsulOptions = {}): DiscoveryStrategy {
  checkConsul(options);
  return { name: "consul", discover: (context) => discover(options, context) };
}

async function* discover(
  options: ConsulOptions,
  context: DiscoveryContext,
): AsyncGenerator<PeerSet, void, undefined> {
  const { discoverConsul } = await import("./discover-consul.js");
  yield* discoverConsul(options, process.env, context);
}
