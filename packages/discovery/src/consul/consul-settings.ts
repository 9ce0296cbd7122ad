/**
 * ConsulSettings: the options of `consul` with what the environment adds to them, as Consul's own tools read it.
 *
 * CONSUL_HTTP_SSL_VERIFY=false is not obeyed: a token sent to whoever answers is a token given away.
 */
import { readFile } from "node:fs/promises";
import { isSecret, Secret } from "@foundation/core";
import type { NodeHttpOptions } from "../http/node-http.js";
import type { ConsulConsistency } from "../protocol/consul/health-query.js";
import { serviceName } from "../protocol/consul/service-registration.js";
import { durations, invalid, isConsulAddress } from "./consul-options.js";
import type { ConsulOptions } from "./consul.js";

export interface ConsulSettings {
  /** `http://host:port`, to which paths are added. */
  readonly base: string;
  readonly connection: NodeHttpOptions;
  /** The token to send now. */
  readonly token: () => Promise<Secret | undefined>;
  readonly service: string;
  readonly tags: readonly string[];
  readonly datacenter: string | undefined;
  readonly namespace: string | undefined;
  readonly partition: string | undefined;
  readonly passing: boolean;
  readonly consistency: ConsulConsistency;
  readonly register: boolean;
  readonly ttlMs: number;
  readonly deregisterAfterMs: number;
  readonly waitMs: number;
  readonly intervalMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Resolves them.
 *
 * @throws {ERR_INVALID_ARGUMENT} when CONSUL_HTTP_ADDR is none
 */
export async function consulSettings(
  options: ConsulOptions,
  env: Environment,
  cluster: string,
): Promise<ConsulSettings> {
  const given = options.address ?? said(env, "CONSUL_HTTP_ADDR") ?? DEFAULT_ADDRESS;
  if (!isConsulAddress(given)) {
    throw invalid("CONSUL_HTTP_ADDR", "host:port, http(s)://host:port or unix:///path", given);
  }
  const isSecure = /^(1|true)$/i.test(said(env, "CONSUL_HTTP_SSL") ?? "");
  const socketPath = given.startsWith("unix://") ? given.slice("unix://".length) : undefined;
  return {
    base: socketPath === undefined ? baseOf(given, isSecure) : "http://localhost",
    connection: {
      ...(await tlsOf(options, env)),
      ...(socketPath !== undefined && { socketPath }),
    },
    token: tokenOf(options, env),
    service: options.service ?? serviceName(cluster),
    tags: options.tags ?? [],
    datacenter: options.datacenter,
    namespace: options.namespace ?? said(env, "CONSUL_NAMESPACE"),
    partition: options.partition ?? said(env, "CONSUL_PARTITION"),
    passing: options.passing ?? true,
    consistency: options.consistency ?? "default",
    register: options.register ?? true,
    ...durations(options),
  };
}

const DEFAULT_ADDRESS = "127.0.0.1:8500";

function baseOf(address: string, isSecure: boolean): string {
  const hasScheme = /^https?:\/\//i.test(address);
  const url = hasScheme ? address : `${isSecure ? "https" : "http"}://${address}`;
  return url.replace(/\/+$/, "");
}

async function tlsOf({ tls = {} }: ConsulOptions, env: Environment): Promise<NodeHttpOptions> {
  const ca = tls.ca ?? (await fileOf(env, "CONSUL_CACERT"));
  const cert = tls.cert ?? (await fileOf(env, "CONSUL_CLIENT_CERT"));
  const key = tls.key ?? (await fileOf(env, "CONSUL_CLIENT_KEY"));
  const servername = tls.servername ?? said(env, "CONSUL_TLS_SERVER_NAME");
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(servername !== undefined && { servername }),
  };
}

async function fileOf(env: Environment, name: string): Promise<string | undefined> {
  const path = said(env, name);
  if (path === undefined) return undefined;
  return readFile(path, "utf8").catch((error: unknown) => {
    throw invalid(name, `a file that can be read (${String(error)})`, path);
  });
}

function tokenOf(options: ConsulOptions, env: Environment): ConsulSettings["token"] {
  const token = options.token ?? (options.tokenFile ? undefined : said(env, "CONSUL_HTTP_TOKEN"));
  if (token !== undefined && token !== "") {
    const secret = isSecret(token) ? token : new Secret(token);
    return async () => secret;
  }
  const file = options.tokenFile ?? said(env, "CONSUL_HTTP_TOKEN_FILE");
  if (file === undefined) return async () => undefined;
  return async () => {
    const text = (await readFile(file, "utf8")).trim();
    return text === "" ? undefined : new Secret(text);
  };
}

/** An empty variable counts as not set: container tools cannot leave one out. */
function said(env: Environment, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === undefined || text === "" ? undefined : text;
}
