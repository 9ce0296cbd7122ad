/**
 * FakeGcp: Compute Engine's API, Google's token endpoint and a machine's metadata server, as a request handler.
 *
 * Tokens are checked for real: those of the metadata server by what it gave and when it expires; a service account's
 * assertion by its RSA signature, audience, scope and times. Lists are filtered and paged as documented.
 */
import { createPublicKey, createVerify, type KeyObject } from "node:crypto";
import type { Clock } from "@foundation/core/ports";
import type { DiscoveryFailure } from "@foundation/testkit";
import type { HttpAnswer } from "../../src/http/http-client.js";
import type { ServedRequest } from "../http/in-memory-http.js";

export interface FakeVm {
  readonly name: string;
  readonly zone: string;
  status: "STAGING" | "RUNNING" | "STOPPING" | "TERMINATED" | "SUSPENDING";
  readonly labels: Readonly<Record<string, string>>;
  readonly ip?: string;
  readonly publicIp?: string;
  readonly ipv6?: string;
}

export interface FakeGroup {
  /** `zones/<zone>` or `regions/<region>`. */
  readonly place: string;
  readonly managed: boolean;
  /** `zone/name` of each member, and what the group's manager does to it. */
  readonly members: Map<string, string>;
}

const PROJECT = "shop-project";
const METADATA = "metadata.google.internal";
const TOKEN_HOST = "oauth2.googleapis.com";
const SCOPES = ["https://www.googleapis.com/auth/compute.readonly"];

export class FakeGcp {
  readonly vms = new Map<string, FakeVm>();
  readonly groups = new Map<string, FakeGroup>();
  /** Every request, oldest first: `GET host /path`. */
  readonly log: string[] = [];
  /** Instances on a page, where it is less than what was asked for. */
  pageSize = 500;
  /** Zones that cannot be reached: their instances are left out, and that is said. */
  readonly unreachable = new Set<string>();
  /** The machine has a service account whose tokens live for so long; none: no Google machine. */
  machine: { readonly zone: string; readonly tokenLifeMs: number } | undefined;
  /** The keys of service accounts that may ask for tokens. */
  readonly accounts = new Map<string, KeyObject>();
  /** How long the tokens of service accounts hold. */
  lifeMs = 3_600_000;
  /** Why the token's owner may not list. */
  denial: "permission" | "scope" | "api" | undefined;
  /** What pretends to be the metadata server. */
  isPortal = false;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, number>();
  #failure: DiscoveryFailure | HttpAnswer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  put(name: string, vm: Partial<FakeVm>): FakeVm {
    const made: FakeVm = { name, zone: "europe-west3-a", status: "RUNNING", labels: {}, ...vm };
    this.vms.set(name, made);
    return made;
  }

  account(email: string, publicKeyPem: string): void {
    this.accounts.set(email, createPublicKey(publicKeyPem));
  }

  fail(failure: DiscoveryFailure | HttpAnswer): void {
    this.#failure = failure;
  }

  recover(): void {
    this.#failure = undefined;
  }

  /** As when a service account was disabled and enabled again. */
  revokeTokens(): void {
    this.#tokens.clear();
  }

  readonly handler = async (request: ServedRequest): Promise<HttpAnswer> => {
    this.log.push(`${request.method} ${request.host} ${request.path.split("?")[0] ?? ""}`);
    if (request.host === METADATA) return this.#metadata(request);
    if (request.host === TOKEN_HOST) return this.#token(request);
    return this.#compute(request);
  };

  #issue(lifeMs: number): HttpAnswer {
    const token = `ya29.${this.#tokens.size + 1}-${this.log.length}`;
    this.#tokens.set(token, this.#clock.now() + lifeMs);
    const expires = Math.floor(lifeMs / 1_000);
    return json(200, { access_token: token, expires_in: expires, token_type: "Bearer" });
  }

  #metadata({ path, headers }: ServedRequest): HttpAnswer {
    const flavor = { "metadata-flavor": "Google" };
    if (this.isPortal) return { status: 200, headers: {}, body: "<html>please log in</html>" };
    if (headers["metadata-flavor"] !== "Google") return { status: 403, headers: {}, body: "" };
    const base = "/computeMetadata/v1/";
    if (this.machine === undefined) return { status: 404, headers: flavor, body: "" };
    switch (path) {
      case `${base}project/project-id`:
        return { status: 200, headers: flavor, body: PROJECT };
      case `${base}instance/zone`:
        return { status: 200, headers: flavor, body: `projects/1/zones/${this.machine.zone}` };
      case `${base}instance/service-accounts/default/token`:
        return { ...this.#issue(this.machine.tokenLifeMs), headers: flavor };
      default:
        return { status: 404, headers: flavor, body: "" };
    }
  }

  #token({ body }: ServedRequest): HttpAnswer {
    const form = new URLSearchParams(body);
    const problem =
      form.get("grant_type") === "urn:ietf:params:oauth:grant-type:jwt-bearer"
        ? this.#checkAssertion(form.get("assertion") ?? "")
        : "unsupported_grant_type";
    if (problem === undefined) return this.#issue(this.lifeMs);
    return json(400, { error: "invalid_grant", error_description: problem });
  }

  #checkAssertion(assertion: string): string | undefined {
    const [head = "", body = "", signature = ""] = assertion.split(".");
    const part = (text: string): Record<string, unknown> =>
      JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as Record<string, unknown>;
    const [header, claims] = [part(head), part(body)];
    const key = this.accounts.get(String(claims["iss"]));
    if (key === undefined) return "Invalid grant: account not found";
    if (header["alg"] !== "RS256") return "Invalid JWT: algorithm";
    const isSigned = createVerify("RSA-SHA256")
      .update(`${head}.${body}`)
      .verify(key, signature, "base64url");
    if (!isSigned) return "Invalid JWT Signature.";
    if (claims["aud"] !== `https://${TOKEN_HOST}/token`) return "Invalid JWT: audience";
    if (!SCOPES.includes(String(claims["scope"]))) return "Invalid OAuth scope";
    const [issued, ends] = [Number(claims["iat"]), Number(claims["exp"])];
    const now = this.#clock.wallNow() / 1_000;
    const isShort = ends - issued <= 3_600 && Math.abs(issued - now) < 300 && ends > now;
    return isShort ? undefined : "Invalid JWT: Token must be a short-lived token (60 minutes)";
  }

  async #compute(request: ServedRequest): Promise<HttpAnswer> {
    const refusal = (await this.#failed(request)) ?? this.#authorise(request);
    if (refusal !== undefined) return refusal;
    const { pathname, searchParams } = new URL(request.path, "https://compute");
    const [, , , project, ...rest] = pathname.split("/").filter(Boolean).map(decodeURIComponent);
    if (project !== PROJECT)
      return error(404, "notFound", `The resource '${project}' was not found`);
    if (request.method === "GET" && rest.join("/") === "aggregated/instances") {
      return this.#list(searchParams, undefined);
    }
    const [scope, place = "", kind, name = "", verb] = rest;
    if (request.method === "GET" && scope === "zones" && kind === "instances") {
      if (!/^[a-z]+-[a-z]+\d-[a-z]$/.test(place) || place.startsWith("nowhere-")) {
        return error(404, "notFound", `The resource 'zones/${place}' was not found`);
      }
      return this.#list(searchParams, place);
    }
    if (request.method !== "POST") return error(404, "notFound", "Not found");
    const group = this.groups.get(name);
    const isThere = group?.place === `${scope}/${place}`;
    if (group !== undefined && isThere && verb === "listManagedInstances" && group.managed) {
      return json(200, { managedInstances: membersOf(group, "currentAction") });
    }
    if (group !== undefined && isThere && verb === "listInstances") {
      return json(200, {
        kind: "compute#instanceGroupsListInstances",
        items: membersOf(group, undefined),
      });
    }
    return error(404, "notFound", `The resource '${kind}/${name}' was not found`);
  }

  #authorise({ headers }: ServedRequest): HttpAnswer | undefined {
    const token = /^Bearer (.+)$/.exec(headers["authorization"] ?? "")?.[1];
    const untilMs = this.#tokens.get(token ?? "");
    if (untilMs === undefined || this.#clock.now() >= untilMs) {
      return error(401, "authError", "Request had invalid authentication credentials.");
    }
    switch (this.denial) {
      case "permission":
        return error(403, "forbidden", "Required 'compute.instances.list' permission");
      case "scope":
        return error(403, "insufficientPermissions", "Request had insufficient scopes.");
      case "api":
        return error(403, "accessNotConfigured", "Compute Engine API has not been used");
      default:
        return undefined;
    }
  }

  #list(query: URLSearchParams, zone: string | undefined): HttpAnswer {
    const isEmpty = this.#failure === "empty";
    const wanted = (vm: FakeVm): boolean =>
      !isEmpty && (zone === undefined || vm.zone === zone) && fits(query.get("filter") ?? "", vm);
    const hidden = new Set(this.unreachable);
    if (this.#failure === "partial") hidden.add("europe-west3-a");
    const all = [...this.vms.values()].filter((vm) => wanted(vm) && !hidden.has(vm.zone));
    const from = Number(query.get("pageToken")?.replace("page-", "") ?? 0);
    const size = Math.min(this.pageSize, Number(query.get("maxResults") ?? 500));
    const shown = all.slice(from, from + size);
    const more = from + size < all.length ? { nextPageToken: `page-${from + size}` } : {};
    if (zone !== undefined) {
      return json(200, { kind: "compute#instanceList", items: shown.map(resourceOf), ...more });
    }
    const items: Record<string, unknown> = {};
    for (const name of new Set([...this.vms.values()].map((vm) => vm.zone))) {
      const instances = shown.filter((vm) => vm.zone === name).map(resourceOf);
      const none = { code: "NO_RESULTS_ON_PAGE", message: `There are no results for ${name}` };
      items[`zones/${name}`] = instances.length > 0 ? { instances } : { warning: none };
    }
    const unreachables = [...hidden].map((each) => `zones/${each}`);
    return json(200, {
      kind: "compute#instanceAggregatedList",
      items,
      ...(unreachables.length > 0 && { unreachables }),
      ...more,
    });
  }

  async #failed({ signal }: ServedRequest): Promise<HttpAnswer | undefined> {
    const failure = this.#failure;
    if (failure === undefined) return undefined;
    if (typeof failure !== "string") return failure;
    switch (failure) {
      case "error":
        return error(503, "backendError", "Backend Error");
      case "forbidden":
        return error(403, "forbidden", "Required 'compute.instances.list' permission");
      case "not-found":
        return error(404, "notFound", "The resource was not found");
      case "malformed":
        return json(200, { kind: "storage#buckets", items: 7 });
      case "hang":
        return new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(new Error("gone")), { once: true });
        });
      // Good answers in form; what they lack is decided where they are made.
      case "empty":
      case "partial":
      case "stale":
        return undefined;
      default:
        failure satisfies never;
        return undefined;
    }
  }
}

function membersOf(group: FakeGroup, action: string | undefined): readonly unknown[] {
  return [...group.members].map(([key, doing]) => {
    const [zone = "", name = ""] = key.split("/");
    const instance = `https://www.googleapis.com/compute/v1/projects/${PROJECT}/zones/${zone}/instances/${name}`;
    return { instance, ...(action !== undefined && { [action]: doing }) };
  });
}

/** `(labels.app = "shop") (labels.stage = "prod")`. */
function fits(filter: string, vm: FakeVm): boolean {
  const terms = [...filter.matchAll(/\(labels\.([a-z0-9_-]+) = "([^"]*)"\)/g)];
  return terms.every(([, key = "", value]) => vm.labels[key] === value);
}

function resourceOf(vm: FakeVm): unknown {
  return {
    kind: "compute#instance",
    name: vm.name,
    status: vm.status,
    zone: `https://www.googleapis.com/compute/v1/projects/${PROJECT}/zones/${vm.zone}`,
    labels: vm.labels,
    networkInterfaces: [
      {
        networkIP: vm.ip,
        ...(vm.publicIp !== undefined && { accessConfigs: [{ natIP: vm.publicIp }] }),
        ...(vm.ipv6 !== undefined && { ipv6Address: vm.ipv6 }),
      },
    ],
  };
}

function json(status: number, value: unknown): HttpAnswer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

function error(status: number, reason: string, message: string): HttpAnswer {
  const errors = [{ message, domain: "global", reason }];
  return json(status, { error: { code: status, message, errors } });
}
