/**
 * FakeConsul: an agent's HTTP API over fake catalogues, by the rules of Consul's documentation: blocking queries (index,
 * wait, jitter), registration, TTL checks, maintenance, ACL tokens, datacentres, consistency modes, and its errors' texts.
 *
 * It is a request handler: in memory on a virtual clock, or behind a real server.
 */
import type { Clock } from "@foundation/core/ports";
import type { DiscoveryFailure } from "@foundation/testkit";
import type { HttpAnswer } from "../../src/http/http-client.js";
import type { ServedRequest } from "../http/in-memory-http.js";
import { ConsulCatalog, type CatalogCheck, type CatalogInstance } from "./consul-catalog.js";

/** What a token allows, by the rules of ACL policies; `node` filters what health queries show. */
export interface FakeToken {
  readonly service: Readonly<Record<string, "read" | "write">>;
  readonly node: boolean;
}

export interface FakeConsulOptions {
  /** With tokens, what none of them allows is denied. @default no ACLs */
  readonly tokens?: Readonly<Record<string, FakeToken>>;
  /** What a request without a token may do, where there are ACLs. @default nothing */
  readonly anonymous?: FakeToken;
}

const OWN = "dc1";
const WAIT_MS = 300_000;
const WAIT_MS_MAX = 600_000;

export class FakeConsul {
  /** Every request, oldest first: `GET /v1/…`. */
  readonly log: string[] = [];
  readonly #clock: Clock;
  readonly #options: FakeConsulOptions;
  readonly #datacenters = new Map<string, ConsulCatalog>();
  #failure: DiscoveryFailure | HttpAnswer | undefined;
  /** Fires, and is replaced, when waiting queries must be answered at once. */
  #flush = new AbortController();

  constructor(clock: Clock, options: FakeConsulOptions = {}) {
    this.#clock = clock;
    this.#options = options;
    this.#datacenters.set(OWN, new ConsulCatalog(clock));
  }

  /** The agent's own datacentre. */
  get catalog(): ConsulCatalog {
    return this.datacenter(OWN);
  }

  datacenter(name: string): ConsulCatalog {
    const known = this.#datacenters.get(name);
    if (known !== undefined) return known;
    const made = new ConsulCatalog(this.#clock);
    this.#datacenters.set(name, made);
    return made;
  }

  /** An instance that some other program keeps well. */
  put(service: string, address: string, extra: Partial<CatalogInstance> = {}): void {
    const { hostname, port } = new URL(address.replace(/^ws/, "http"));
    const check: CatalogCheck = {
      id: `of:${address}`,
      status: "passing",
      output: "",
      ttlMs: undefined,
      deregisterAfterMs: undefined,
    };
    this.catalog.register({
      id: address,
      service,
      tags: [],
      address: hostname,
      port: Number(port),
      meta: {},
      checks: new Map([[check.id, check]]),
      ...extra,
    });
  }

  /** Answers like this from now on, also to queries that wait. */
  fail(failure: DiscoveryFailure | HttpAnswer): void {
    this.#failure = failure;
    this.#wakeAll();
  }

  recover(): void {
    this.#failure = undefined;
    this.#wakeAll();
  }

  close(): void {
    for (const catalog of this.#datacenters.values()) catalog.close();
    this.#wakeAll();
  }

  readonly handler = async (request: ServedRequest): Promise<HttpAnswer> => {
    this.log.push(`${request.method} ${request.path}`);
    const url = new URL(request.path, "http://agent");
    const failed = this.#failed(request);
    if (failed !== undefined) return failed;
    const refusal = this.#authorise(request, url);
    if (refusal !== undefined) return refusal;
    const parts = url.pathname.split("/").filter(Boolean).map(decodeURIComponent);
    const [, area, noun, verb = "", id = ""] = parts;
    if (request.method === "GET" && area === "health" && noun === "service") {
      return this.#health(request, url, verb);
    }
    if (request.method === "PUT" && area === "agent") {
      if (noun === "service") return this.#service(request, url, verb, id);
      if (noun === "check") return this.#check(request, verb, id);
    }
    return text(404, "404 page not found");
  };

  #service(request: ServedRequest, url: URL, verb: string, id: string): HttpAnswer {
    const isRegistration = verb === "register";
    if (isRegistration) return this.#register(JSON.parse(request.body) as RegisterBody);
    if (verb === "deregister") {
      return this.catalog.deregister(id)
        ? text(200, "")
        : text(404, `Unknown service ID "${id}". Ensure that the service ID is passed.`);
    }
    if (verb === "maintenance") {
      const enable = url.searchParams.get("enable");
      if (enable === null) return text(400, "Missing value for enable");
      return this.catalog.maintain(id, enable === "true")
        ? text(200, "")
        : text(404, `Unknown service ID "${id}"`);
    }
    return text(404, "404 page not found");
  }

  #register(body: RegisterBody): HttpAnswer {
    if (!body.Name) return text(400, "Missing service name");
    for (const [key, value] of Object.entries(body.Meta ?? {})) {
      if (!/^[a-zA-Z0-9_-]{1,128}$/.test(key) || value.length > 512) {
        return text(400, `Invalid Service Meta: Couldn't load metadata pair ('${key}', …)`);
      }
    }
    const { Check: check } = body;
    const checks = new Map<string, CatalogCheck>();
    if (check !== undefined) {
      const checkId = check.CheckID ?? `service:${body.ID ?? body.Name}`;
      checks.set(checkId, {
        id: checkId,
        status: check.Status ?? "critical",
        output: "",
        ttlMs: goDuration(check.TTL),
        deregisterAfterMs: leastMinute(goDuration(check.DeregisterCriticalServiceAfter)),
      });
    }
    this.catalog.register({
      id: body.ID ?? body.Name,
      service: body.Name,
      tags: body.Tags ?? [],
      address: body.Address ?? "",
      port: body.Port ?? 0,
      meta: body.Meta ?? {},
      checks,
    });
    return text(200, "");
  }

  #check(request: ServedRequest, verb: string, id: string): HttpAnswer {
    const known = this.catalog.find(id);
    if (known === undefined) {
      return text(
        404,
        `Unknown check ID "${id}". Ensure that the check ID is passed, not the check name.`,
      );
    }
    const given = { pass: "passing", warn: "warning", fail: "critical" } as const;
    if (verb === "update") {
      const { Status: status, Output: output = "" } = JSON.parse(request.body) as UpdateBody;
      if (status !== "passing" && status !== "warning" && status !== "critical") {
        return text(400, `Invalid check status: '${String(status)}'`);
      }
      this.catalog.update(id, status, output);
      return text(200, "");
    }
    const status = given[verb as keyof typeof given];
    if (status === undefined) return text(404, "404 page not found");
    this.catalog.update(id, status, "");
    return text(200, "");
  }

  async #health(request: ServedRequest, url: URL, service: string): Promise<HttpAnswer> {
    const { searchParams } = url;
    if (searchParams.has("stale") && searchParams.has("consistent")) {
      return text(400, "Cannot specify ?stale with ?consistent, conflicting semantics.");
    }
    const catalog = this.#datacenters.get(searchParams.get("dc") ?? OWN);
    if (catalog === undefined) return text(500, "rpc error making call: No path to datacenter");
    const index = Number(searchParams.get("index") ?? 0);
    if (index > 0) {
      const waitMs = Math.min(goDuration(searchParams.get("wait")) ?? WAIT_MS, WAIT_MS_MAX);
      const gone = AbortSignal.any([request.signal, this.#flush.signal]);
      await catalog.wait(service, index, waitMs * (1 + 1 / 32), gone);
      const failed = this.#failed(request);
      if (failed !== undefined) return failed;
    }
    const isVisible = this.#mayRead(request, service);
    const tags = searchParams.getAll("tag");
    const wanted = (each: CatalogInstance): boolean => tags.every((tag) => each.tags.includes(tag));
    const found = isVisible ? catalog.of(service).filter(wanted) : [];
    const healthy = searchParams.has("passing") ? found.filter(isPassing) : found;
    const isOlder = this.#failure === "stale";
    const isCut = isOlder || this.#failure === "partial";
    const shown = this.#failure === "empty" ? [] : isCut ? healthy.slice(0, 1) : healthy;
    return {
      status: 200,
      headers: {
        "x-consul-index": String(isOlder ? 7 : catalog.indexOf(service)),
        "x-consul-knownleader": String(this.#failure !== "partial"),
        "x-consul-lastcontact": "0",
        ...this.#aclHeaders(request, isVisible),
      },
      body: JSON.stringify(shown.map(entryOf)),
    };
  }

  #authorise(request: ServedRequest, url: URL): HttpAnswer | undefined {
    const { tokens } = this.#options;
    if (tokens === undefined) return undefined;
    const token = request.headers["x-consul-token"];
    if (token !== undefined && tokens[token] === undefined) return text(403, "ACL not found");
    if (request.method !== "PUT") return undefined;
    const service = this.#serviceOf(request, url);
    if (this.#rules(request)?.service[service] === "write") return undefined;
    const accessor = token === undefined ? "anonymous token" : "token with AccessorID 'f4k3'";
    return text(
      403,
      `Permission denied: ${accessor} lacks permission 'service:write' on "${service}"`,
    );
  }

  #serviceOf(request: ServedRequest, url: URL): string {
    if (url.pathname.endsWith("/register")) {
      return (JSON.parse(request.body) as RegisterBody).Name ?? "";
    }
    const id = decodeURIComponent(url.pathname.split("/").at(-1) ?? "");
    return this.catalog.instances.get(id)?.service ?? this.catalog.find(id)?.instance.service ?? "";
  }

  #rules(request: ServedRequest): FakeToken | undefined {
    const token = request.headers["x-consul-token"];
    return token === undefined ? this.#options.anonymous : this.#options.tokens?.[token];
  }

  #mayRead(request: ServedRequest, service: string): boolean {
    if (this.#options.tokens === undefined) return true;
    const rules = this.#rules(request);
    return rules !== undefined && rules.node && rules.service[service] !== undefined;
  }

  /** That something was filtered is told only to those who have shown a token. */
  #aclHeaders(request: ServedRequest, isVisible: boolean): Readonly<Record<string, string>> {
    if (this.#options.tokens === undefined) return { "x-consul-default-acl-policy": "allow" };
    const hasToken = request.headers["x-consul-token"] !== undefined;
    return {
      "x-consul-default-acl-policy": "deny",
      ...(hasToken && { "x-consul-results-filtered-by-acls": String(!isVisible) }),
    };
  }

  #failed({ signal }: ServedRequest): Promise<HttpAnswer> | HttpAnswer | undefined {
    const failure = this.#failure;
    if (failure === undefined) return undefined;
    if (typeof failure !== "string") return failure;
    switch (failure) {
      case "error":
        return text(500, "rpc error making call: No cluster leader");
      case "forbidden":
        return text(403, "Permission denied: anonymous token lacks permission 'service:read'");
      case "not-found":
        return text(404, "404 page not found");
      case "malformed":
        return text(200, "<html>this is a proxy</html>");
      // A good answer in form; what it says is decided where it is made.
      case "empty":
      case "partial":
      case "stale":
        return undefined;
      case "hang":
        return new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(new Error("gone")), { once: true });
        });
      default:
        failure satisfies never;
        return undefined;
    }
  }

  #wakeAll(): void {
    const before = this.#flush;
    this.#flush = new AbortController();
    before.abort();
  }
}

interface RegisterBody {
  readonly ID?: string;
  readonly Name?: string;
  readonly Tags?: readonly string[];
  readonly Address?: string;
  readonly Port?: number;
  readonly Meta?: Readonly<Record<string, string>>;
  readonly Check?: {
    readonly CheckID?: string;
    readonly TTL?: string;
    readonly Status?: "passing" | "warning" | "critical";
    readonly DeregisterCriticalServiceAfter?: string;
  };
}

interface UpdateBody {
  readonly Status?: unknown;
  readonly Output?: string;
}

function isPassing(instance: CatalogInstance): boolean {
  return [...instance.checks.values()].every(({ status }) => status === "passing");
}

function entryOf(instance: CatalogInstance): unknown {
  return {
    Node: { Node: "agent-1", Address: "10.0.0.1", Datacenter: OWN },
    Service: {
      ID: instance.id,
      Service: instance.service,
      Tags: instance.tags,
      Address: instance.address,
      Port: instance.port,
      Meta: instance.meta,
    },
    Checks: [...instance.checks.values()].map(({ id, status, output }) => ({
      CheckID: id,
      Status: status,
      Output: output,
      ServiceID: instance.id,
    })),
  };
}

/** Go's durations as Consul's options have them: `1m`, `15s`, `250ms`, and several one after the other. */
function goDuration(value: string | null | undefined): number | undefined {
  if (value === null || value === undefined || value === "") return undefined;
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
  let totalMs = 0;
  for (const [, number = "", unit = ""] of value.matchAll(/([\d.]+)(ms|h|m|s)/g)) {
    totalMs += Number(number) * (units[unit] ?? 0);
  }
  return totalMs;
}

/** Consul's own least. */
function leastMinute(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.max(60_000, ms);
}

function text(status: number, body: string): HttpAnswer {
  return { status, headers: { "content-type": "text/plain" }, body };
}
