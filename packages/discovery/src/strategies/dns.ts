/**
 * dns: peers are what a name resolves to: the addresses of a headless service, or the targets of a SRV record.
 *
 * Looks again when the records run out, within `interval` and `maxInterval`. A family, a target or a name that is not
 * answered takes nobody away.
 */
import {
  coreErrors,
  parseDuration,
  type DiscoveryContext,
  type DiscoveryStrategy,
  type Duration,
  type PeerSet,
} from "@foundation/core";
import type { DnsQuestion } from "../dns/dns-look.js";
import type { DnsResolver } from "../dns/dns-resolver.js";
import { typeFor } from "../protocol/dns/dns-answer.js";
import { dnsLimits } from "../protocol/dns/limits.js";
import { keepLooking } from "./keep-looking.js";

/** Options of `dns`. */
export interface DnsOptions {
  /**
   * The name or names. A short one is looked for in the search list of the machine, one that ends with a dot is not.
   * @default FOUNDATION_DNS_SRV (as SRV), else FOUNDATION_DNS_SERVICE
   */
  readonly query?: string | readonly string[];
  /** `auto`: SRV for names such as `_app._tcp.example.org`, A and AAAA for others. @default "auto" */
  readonly type?: "A" | "AAAA" | "SRV" | "auto";
  /** The port of the nodes where the records do not say it (A, AAAA). @default this node's own */
  readonly port?: number;
  /** How SRV targets are dialled: by the addresses they have now, or by name. @default "address" */
  readonly targets?: "address" | "name";
  /** The least time between two looks. @default "5s" */
  readonly interval?: Duration;
  /** The longest time between two looks, however long the records live. @default "30s" */
  readonly maxInterval?: Duration;
  /** Name servers, `ip`, `ip:port` or `[v6]:port`. @default the machine's */
  readonly servers?: readonly string[];
  /** Domains to look for names without a dot in. @default those of /etc/resolv.conf, by its `ndots` */
  readonly search?: readonly string[];
  /** A resolver of your own, e.g. one over HTTPS. @default Node's */
  readonly resolver?: DnsResolver;
}

/**
 * Finds peers by DNS.
 *
 * @throws {ERR_INVALID_ARGUMENT} when an option is none of what it may be
 *
 * @example
 * ```ts
 * import { dns } from "@foundation/discovery"
 *
 * const pods = dns({ query: "shop-nodes.default.svc.cluster.local", port: 4100 })
 * const services = dns({ query: "_shop._tcp.internal", interval: "10s" })
 * ```
 */
export function dns(options: DnsOptions = {}): DiscoveryStrategy {
  const checked = check(options);
  return { name: "dns", discover: (context) => discover(options, checked, context) };
}

interface Checked {
  readonly intervalMs: number;
  readonly maxIntervalMs: number;
  /** `undefined`: the environment says. */
  readonly questions: readonly DnsQuestion[] | undefined;
}

async function* discover(
  options: DnsOptions,
  { intervalMs, maxIntervalMs, questions: given }: Checked,
  context: DiscoveryContext,
): AsyncGenerator<PeerSet, void, undefined> {
  const questions = given ?? questionsOfEnvironment();
  const { dnsLook } = await import("../dns/dns-look.js");
  const { machineSearchList, nodeResolver } = await import("../dns/dns-resolver.js");
  yield* keepLooking(context, {
    source: "dns",
    tries: questions
      .map(({ query, type }) => `${type === "auto" ? "A+AAAA" : type} ${query}`)
      .join(", "),
    intervalMs,
    look: async (signal) => {
      const search = options.search
        ? { domains: options.search, ndots: 1 }
        : await machineSearchList();
      // Only a resolver of our own may be cancelled: another one may have questions of others under way.
      const own = nodeResolver(options.servers);
      const resolver = options.resolver ?? own;
      signal.addEventListener("abort", () => own.cancel(), { once: true });
      return dnsLook({
        context,
        resolver,
        search,
        questions,
        port: options.port,
        byName: options.targets === "name",
        maxIntervalMs,
      });
    },
  });
}

function questionsOfEnvironment(): readonly DnsQuestion[] {
  const { FOUNDATION_DNS_SRV: srv, FOUNDATION_DNS_SERVICE: service } = process.env;
  if (srv) return [{ query: queryOf(srv, "FOUNDATION_DNS_SRV"), type: "SRV" }];
  if (service) {
    return [{ query: queryOf(service, "FOUNDATION_DNS_SERVICE"), type: typeFor(service) }];
  }
  throw invalid(
    "query",
    "the name of the nodes, as an option or as FOUNDATION_DNS_SRV (a SRV record) or FOUNDATION_DNS_SERVICE",
    "nothing",
  );
}

function check(options: DnsOptions): Checked {
  const intervalMs = parseDuration(options.interval ?? dnsLimits.intervalMs, "dns.interval");
  const longest = options.maxInterval ?? Math.max(dnsLimits.maxIntervalMs, intervalMs);
  const maxIntervalMs = parseDuration(longest, "dns.maxInterval");
  if (intervalMs < 1) throw invalid("interval", "at least 1 ms", String(options.interval));
  if (maxIntervalMs < intervalMs) {
    throw invalid("maxInterval", "no less than interval", `${maxIntervalMs} ms`);
  }
  const { type = "auto", port, servers = [] } = options;
  if (!["A", "AAAA", "SRV", "auto"].includes(type)) {
    throw invalid("type", '"A", "AAAA", "SRV" or "auto"', String(type));
  }
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) {
    throw invalid("port", "a port, 1 to 65535", String(port));
  }
  const wrong = servers.find(
    (server) => !/^[0-9.]+(:[0-9]+)?$|^\[?[0-9a-f:.]+\]?(:[0-9]+)?$/i.test(server),
  );
  if (wrong !== undefined) throw invalid("servers", "IP addresses, with or without a port", wrong);
  if (options.query === undefined) return { intervalMs, maxIntervalMs, questions: undefined };
  const queries = [options.query].flat();
  if (queries.length === 0 || queries.length > dnsLimits.queriesMax) {
    throw invalid("query", `1 to ${dnsLimits.queriesMax} names`, `${queries.length}`);
  }
  const questions = queries.map((each) => {
    const query = queryOf(each, "query");
    return { query, type: type === "auto" ? typeFor(query) : type };
  });
  return { intervalMs, maxIntervalMs, questions };
}

/** A name as DNS allows them, with the underscores of services. */
function queryOf(text: string, argument: string): string {
  const name = String(text).trim();
  if (/^[a-z0-9_]([a-z0-9_.-]{0,252})$/i.test(name) && !name.includes("..")) return name;
  throw invalid(
    argument,
    "a DNS name such as app.default.svc.cluster.local",
    JSON.stringify(name.slice(0, 80)),
  );
}

function invalid(argument: string, expected: string, found: string): Error {
  const path = argument.startsWith("FOUNDATION") ? argument : `dns.${argument}`;
  return coreErrors.ERR_INVALID_ARGUMENT(`${path} must be ${expected}, found ${found}`, {
    argument: path,
    expected,
    found,
  });
}
