/**
 * FakeAws: EC2's Query API, STS and the metadata services of instance and container, as a request handler.
 *
 * EC2 checks each request's signature by its own computation, its time against the clock, the action's permission, and
 * answers by filters and pages as documented. The instance's metadata service speaks version 2 only.
 */
import type { Clock } from "@foundation/core/ports";
import type { DiscoveryFailure } from "@foundation/testkit";
import type { HttpAnswer } from "../../src/http/http-client.js";
import type { ServedRequest } from "../http/in-memory-http.js";
import { accessKeyOf, checkSignature, timeOf } from "./signature-check.js";

export interface FakeInstance {
  readonly id: string;
  state: "pending" | "running" | "shutting-down" | "terminated" | "stopping" | "stopped";
  readonly privateIp?: string;
  readonly publicIp?: string;
  readonly ipv6?: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** A key that EC2 knows. */
export interface FakeKey {
  readonly secret: string;
  readonly sessionToken?: string;
  /** Wall-clock milliseconds. */
  readonly expiresAtMs?: number;
  /** May list instances. @default true */
  readonly mayDescribe?: boolean;
}

const REGION = "eu-central-1";
const SKEW_MS_MAX = 300_000;
const METADATA_TTL_S_MAX = 21_600;

export class FakeAws {
  readonly instances = new Map<string, FakeInstance>();
  readonly keys = new Map<string, FakeKey>();
  /** Every request, oldest first: `POST ec2…`, `GET 169.254.169.254 /latest/…`. */
  readonly log: string[] = [];
  /** Instances on a page, where it is less than what was asked for. */
  pageSize = 1_000;
  /** How far AWS's clock is ahead of this machine's. */
  skewMs = 0;
  /** The role of the instance, and how long its credentials live; none: no instance. */
  role: { readonly name: string; readonly lifeMs: number } | undefined;
  /** What a container's agent wants to see; none: no container. */
  containerToken: string | undefined;
  /** The token that STS takes for a role; none: STS refuses. */
  webIdentityToken: string | undefined;
  /** How long the credentials of STS and of a container hold. */
  lifeMs = 3_600_000;
  /** An answer of the metadata service that dies one hop short. */
  isHopShort = false;
  readonly #clock: Clock;
  readonly #sessions = new Map<string, number>();
  readonly #pages = new Map<string, readonly FakeInstance[]>();
  #failure: DiscoveryFailure | HttpAnswer | undefined;
  #made = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  put(id: string, instance: Partial<FakeInstance>): FakeInstance {
    const made: FakeInstance = { id, state: "running", tags: {}, ...instance };
    this.instances.set(id, made);
    return made;
  }

  fail(failure: DiscoveryFailure | HttpAnswer): void {
    this.#failure = failure;
  }

  recover(): void {
    this.#failure = undefined;
  }

  /** The metadata service forgets its sessions, as when an instance was started anew. */
  forgetSessions(): void {
    this.#sessions.clear();
  }

  readonly handler = async (request: ServedRequest): Promise<HttpAnswer> => {
    const { host, path } = request;
    this.log.push(`${request.method} ${host} ${path}`);
    if (host === "169.254.169.254") return this.#metadata(request);
    if (host === "169.254.170.2") return this.#container(request);
    if (host.startsWith("sts.")) return this.#sts(request);
    return this.#ec2(request);
  };

  /** A key that holds for so long, as the metadata services and STS give them. */
  #issue(lifeMs: number): {
    readonly id: string;
    readonly key: Required<Omit<FakeKey, "mayDescribe">>;
  } {
    this.#made += 1;
    const id = `ASIA${this.#made}`;
    const key = {
      secret: `secret-${this.#made}`,
      sessionToken: `session-${this.#made}`,
      expiresAtMs: this.#clock.wallNow() + lifeMs,
    };
    this.keys.set(id, key);
    return { id, key };
  }

  #credentials(lifeMs: number): HttpAnswer {
    const { id, key } = this.#issue(lifeMs);
    return json({
      Code: "Success",
      Type: "AWS-HMAC",
      AccessKeyId: id,
      SecretAccessKey: key.secret,
      Token: key.sessionToken,
      Expiration: new Date(key.expiresAtMs).toISOString().replace(/\.\d{3}/, ""),
    });
  }

  async #metadata({ method, path, headers, signal }: ServedRequest): Promise<HttpAnswer> {
    if (this.isHopShort) return never(signal);
    const nowMs = this.#clock.now();
    if (method === "PUT" && path === "/latest/api/token") {
      const ttl = Number(headers["x-aws-ec2-metadata-token-ttl-seconds"]);
      if (headers["x-forwarded-for"] !== undefined) return plain(403, "");
      if (!(ttl >= 1 && ttl <= METADATA_TTL_S_MAX)) return plain(400, "");
      const session = `imds-${this.#sessions.size + 1}-${this.log.length}`;
      this.#sessions.set(session, nowMs + ttl * 1_000);
      return plain(200, session);
    }
    const untilMs = this.#sessions.get(headers["x-aws-ec2-metadata-token"] ?? "");
    if (untilMs === undefined || nowMs >= untilMs) return plain(401, "");
    if (path === "/latest/meta-data/placement/region") return plain(200, REGION);
    const roles = "/latest/meta-data/iam/security-credentials/";
    if (this.role === undefined || !path.startsWith(roles)) return plain(404, "");
    if (path === roles) return plain(200, this.role.name);
    return path === `${roles}${this.role.name}`
      ? this.#credentials(this.role.lifeMs)
      : plain(404, "");
  }

  #container({ headers }: ServedRequest): HttpAnswer {
    if (this.containerToken === undefined) return plain(404, "");
    const isFine = headers["authorization"] === this.containerToken;
    return isFine ? this.#credentials(this.lifeMs) : plain(401, "");
  }

  #sts({ body }: ServedRequest): HttpAnswer {
    const form = new URLSearchParams(body);
    const action = "AssumeRoleWithWebIdentity";
    const isKnown = form.get("WebIdentityToken") === this.webIdentityToken;
    if (form.get("Action") !== action || !form.get("RoleArn") || !isKnown) {
      const [code, message] = ["InvalidIdentityToken", "No OpenIDConnect provider found"];
      const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
      return xml(400, `<ErrorResponse>${error}<RequestId>r</RequestId></ErrorResponse>`);
    }
    const { id, key } = this.#issue(this.lifeMs);
    return xml(
      200,
      `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials>` +
        `<AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${key.secret}</SecretAccessKey>` +
        `<SessionToken>${key.sessionToken}</SessionToken>` +
        `<Expiration>${new Date(key.expiresAtMs).toISOString()}</Expiration>` +
        `</Credentials></${action}Result></${action}Response>`,
    );
  }

  async #ec2(request: ServedRequest): Promise<HttpAnswer> {
    const failed = this.#failed(request);
    if (failed !== undefined) return failed;
    const form = new URLSearchParams(request.body);
    const refusal = this.#authorise(request);
    if (refusal !== undefined) return refusal;
    if (form.get("Action") !== "DescribeInstances") return this.#error(400, "InvalidAction", "");
    const token = form.get("NextToken");
    const rest = token === null ? this.#matching(form) : this.#pages.get(token);
    if (rest === undefined) return this.#error(400, "InvalidNextToken", "The token is not valid");
    if (token !== null && this.#failure === "partial") {
      return this.#error(503, "RequestLimitExceeded", "Request limit exceeded.");
    }
    const size = Math.min(this.pageSize, Number(form.get("MaxResults") ?? 1_000));
    const shown = this.#failure === "empty" ? [] : rest.slice(0, size);
    const more = this.#failure === "empty" ? [] : rest.slice(size);
    const next = more.length === 0 ? undefined : `page-${this.log.length}`;
    if (next !== undefined) this.#pages.set(next, more);
    return xml(200, instancesXml(shown, next));
  }

  #authorise(request: ServedRequest): HttpAnswer | undefined {
    const id = accessKeyOf(request);
    const key = id === undefined ? undefined : this.keys.get(id);
    const nowMs = this.#clock.wallNow() + this.skewMs;
    const said = "AWS was not able to validate the provided access credentials";
    if (key === undefined) return this.#error(401, "AuthFailure", said);
    const problem = checkSignature(request, { secret: key.secret, region: REGION, service: "ec2" });
    if (problem !== undefined) return this.#error(403, "SignatureDoesNotMatch", problem);
    if (request.headers["x-amz-security-token"] !== key.sessionToken) {
      return this.#error(401, "AuthFailure", said);
    }
    if (Math.abs(timeOf(request) - nowMs) > SKEW_MS_MAX) {
      return this.#error(400, "RequestExpired", "Request has expired.");
    }
    if (key.expiresAtMs !== undefined && nowMs >= key.expiresAtMs) {
      return this.#error(400, "ExpiredToken", "The security token is expired");
    }
    if (key.mayDescribe === false) {
      const what = "You are not authorized to perform this operation.";
      return this.#error(
        403,
        "UnauthorizedOperation",
        `${what} Encoded authorization failure message: aGVsbG8`,
      );
    }
    return undefined;
  }

  #matching(form: URLSearchParams): readonly FakeInstance[] {
    let found = [...this.instances.values()];
    for (let at = 1; form.has(`Filter.${at}.Name`); at += 1) {
      const name = form.get(`Filter.${at}.Name`) ?? "";
      const values: string[] = [];
      for (let of = 1; form.has(`Filter.${at}.Value.${of}`); of += 1) {
        values.push(form.get(`Filter.${at}.Value.${of}`) ?? "");
      }
      const told = (each: FakeInstance): string | undefined =>
        name === "instance-state-name" ? each.state : each.tags[name.replace(/^tag:/, "")];
      found = found.filter((each) => values.some((value) => fits(value, told(each))));
    }
    return found;
  }

  #failed({ signal }: ServedRequest): Promise<HttpAnswer> | HttpAnswer | undefined {
    const failure = this.#failure;
    if (failure === undefined) return undefined;
    if (typeof failure !== "string") return failure;
    switch (failure) {
      case "error":
        return this.#error(503, "RequestLimitExceeded", "Request limit exceeded.");
      case "forbidden":
        return this.#error(403, "UnauthorizedOperation", "You are not authorized.");
      case "not-found":
        return plain(404, "");
      case "malformed":
        return xml(
          200,
          "<DescribeInstancesResponse><reservationSet><item></DescribeInstancesResponse>",
        );
      case "hang":
        return never(signal);
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

  #error(status: number, code: string, message: string): HttpAnswer {
    const body =
      `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code>` +
      `<Message>${message}</Message></Error></Errors><RequestID>r</RequestID></Response>`;
    const date = new Date(this.#clock.wallNow() + this.skewMs).toUTCString();
    return { status, headers: { "content-type": "text/xml", date }, body };
  }
}

function instancesXml(instances: readonly FakeInstance[], next: string | undefined): string {
  const items = instances.map((each) => {
    const tags = Object.entries(each.tags).map(
      ([key, value]) => `<item><key>${key}</key><value>${value}</value></item>`,
    );
    const part = (name: string, value: string | undefined): string =>
      value === undefined ? "" : `<${name}>${value}</${name}>`;
    return (
      `<item><reservationId>r-${each.id}</reservationId><instancesSet><item>` +
      `<instanceId>${each.id}</instanceId><instanceState><code>16</code><name>${each.state}</name></instanceState>` +
      part("privateIpAddress", each.privateIp) +
      part("ipAddress", each.publicIp) +
      `<tagSet>${tags.join("")}</tagSet>` +
      `<networkInterfaceSet><item><ipv6AddressesSet>` +
      (each.ipv6 === undefined ? "" : `<item>${part("ipv6Address", each.ipv6)}</item>`) +
      `</ipv6AddressesSet></item></networkInterfaceSet>` +
      `</item></instancesSet></item>`
    );
  });
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n` +
    `<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>` +
    `<reservationSet>${items.join("")}</reservationSet>` +
    (next === undefined ? "" : `<nextToken>${next}</nextToken>`) +
    `</DescribeInstancesResponse>`
  );
}

/** EC2's wildcards. */
function fits(pattern: string, value: string | undefined): boolean {
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  return value !== undefined && new RegExp(`^${escaped}$`).test(value);
}

function never(signal: AbortSignal): Promise<HttpAnswer> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("gone")), { once: true });
  });
}

function plain(status: number, body: string): HttpAnswer {
  return { status, headers: {}, body };
}

function json(value: unknown): HttpAnswer {
  return { status: 200, headers: {}, body: JSON.stringify(value) };
}

function xml(status: number, body: string): HttpAnswer {
  return { status, headers: { "content-type": "text/xml" }, body };
}
