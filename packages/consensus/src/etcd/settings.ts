/** Options of the engine over etcd, checked and complete. */
import {
  coreErrors,
  isSecret,
  nodeRuntime,
  parseDuration,
  resolveLimits,
  Secret,
  type Duration,
} from "@foundation/core";
import type { Runtime } from "@foundation/core/ports";
import { ETCD_LIMITS, ETCD_TIMEOUT_MS, ETCD_TIMES } from "./limits.js";
import type { EtcdLimits, EtcdTimes } from "./limits.js";

/** A user of etcd's, when its authentication is on. */
export interface EtcdCredentials {
  readonly username: string;
  readonly password: string | Secret;
}

/** PEM texts. */
export interface EtcdTls {
  /** Who may have signed the servers' certificates. @default the authorities Node trusts */
  readonly ca?: string | Uint8Array;
  /** This client's certificate, where etcd asks for one; with `key`. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name in the servers' certificates. @default that of the endpoint */
  readonly serverName?: string;
}

export interface EtcdEngineOptions {
  /** Addresses of one cluster's members: `host:port`, `http://host:port` or `https://host:port`. */
  readonly endpoints: readonly string[];
  readonly credentials?: EtcdCredentials | undefined;
  /** @default encrypted, by the authorities Node trusts, when the endpoints say `https://` */
  readonly tls?: EtcdTls | undefined;
  /** What each key begins with in etcd; all users of one store have the same. @default "foundation/" */
  readonly namespace?: string | undefined;
  /** How long a request may take unless it says so itself. @default "5s" */
  readonly timeout?: Duration | undefined;
  readonly limits?: Partial<EtcdLimits> | undefined;
  readonly times?: Partial<EtcdTimes> | undefined;
  /** @default Node's own */
  readonly runtime?: Partial<Runtime> | undefined;
}

export interface Settings {
  /** `host:port` each. */
  readonly endpoints: readonly string[];
  /** Undefined: not encrypted. */
  readonly tls: EtcdTls | undefined;
  readonly credentials: { readonly username: string; readonly password: Secret } | undefined;
  readonly namespace: string;
  readonly timeoutMs: number;
  readonly limits: EtcdLimits;
  readonly times: EtcdTimes;
  readonly runtime: Runtime;
}

const ENDPOINT = /^(?:(https?):\/\/)?(\[[0-9a-fA-F:.]+\]|[^\s/:@[\]]+):(\d{1,5})\/?$/;

/** @throws {ERR_INVALID_ARGUMENT} naming the option */
export function settingsOf(options: EtcdEngineOptions): Settings {
  const limits = resolveLimits(ETCD_LIMITS, options.limits);
  const { namespace = "foundation/", timeout = ETCD_TIMEOUT_MS } = options;
  if (typeof namespace !== "string" || /\p{Surrogate}|\u{10ffff}/u.test(namespace)) {
    throw invalid("namespace", "a text in UTF-8 without U+10FFFF", String(namespace));
  }
  const { addresses, isEncrypted } = endpointsOf(options, limits);
  const tls = isEncrypted ? (options.tls ?? {}) : undefined;
  if ((tls?.cert === undefined) !== (tls?.key === undefined)) {
    throw invalid("tls", "cert and key together", tls?.cert === undefined ? "key" : "cert");
  }
  return {
    endpoints: addresses,
    tls,
    credentials: credentialsOf(options.credentials),
    namespace,
    timeoutMs: parseDuration(timeout, "timeout"),
    limits,
    times: resolveLimits(ETCD_TIMES, options.times),
    runtime: nodeRuntime(options.runtime),
  };
}

function endpointsOf(
  { endpoints, tls }: EtcdEngineOptions,
  { endpointsMax }: EtcdLimits,
): { addresses: readonly string[]; isEncrypted: boolean } {
  if (!Array.isArray(endpoints) || endpoints.length < 1 || endpoints.length > endpointsMax) {
    const found = Array.isArray(endpoints) ? `${endpoints.length}` : typeof endpoints;
    throw invalid("endpoints", `a list of 1 to ${endpointsMax} addresses`, found);
  }
  const schemes = new Set<string>();
  const addresses = endpoints.map((endpoint: unknown) => {
    const [, scheme, host, port] = ENDPOINT.exec(String(endpoint)) ?? [];
    if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
      throw invalid("endpoints", '"host:port", with "http://" or "https://"', String(endpoint));
    }
    schemes.add(scheme ?? (tls === undefined ? "http" : "https"));
    return `${host}:${port}`;
  });
  if (schemes.size > 1) {
    throw invalid("endpoints", "all encrypted or none", "both http:// and https://");
  }
  const isEncrypted = schemes.has("https");
  if (!isEncrypted && tls !== undefined) {
    throw invalid("tls", "endpoints that begin with https://", "http://");
  }
  return { addresses: [...new Set(addresses)], isEncrypted };
}

function credentialsOf(given: EtcdCredentials | undefined): Settings["credentials"] {
  if (given === undefined) return undefined;
  const { username, password } = given;
  if (typeof username !== "string" || username === "") {
    throw invalid("credentials.username", "a text that is not empty", typeof username);
  }
  return { username, password: isSecret(password) ? password : new Secret(password) };
}

export function invalid(argument: string, expected: string, found: string): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(
    `${argument} of the etcd engine must be ${expected}, found ${found}`,
    { argument, expected, found },
  );
}
