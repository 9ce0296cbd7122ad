/**
 * What Consul's refusals and errors mean, and what to do: the words of a problem.
 *
 * Pure. Consul says why in the body, as a plain text: `Permission denied: token with AccessorID '…' lacks permission
 * 'service:read' on "shop"`, `ACL not found`, `rpc error making call: No cluster leader`. What it says is quoted, shortened.
 */

/** What was asked when the answer came. */
export interface ConsulRequest {
  /** As people would say it: `look up the service "shop"`. */
  readonly what: string;
  readonly service: string;
  /** What the ACL has to allow for it. */
  readonly access: "read" | "write";
  readonly hasToken: boolean;
}

export interface Refusal {
  /** `refused`: who we are is not allowed it; `failed`: anything else. */
  readonly type: "refused" | "failed";
  readonly reason: string;
}

const QUOTED_CHARS_MAX = 300;

/** In words, why there is no good answer. */
export function refusalOf(status: number, body: string, request: ConsulRequest): Refusal {
  const said = quoted(body);
  if (status === 401 || status === 403 || /permission denied|acl not found/i.test(body)) {
    return { type: "refused", reason: `${deniedBecause(body, request)}${said}` };
  }
  return { type: "failed", reason: `${failedBecause(status, body)}${said}` };
}

function deniedBecause(body: string, { service, access, hasToken }: ConsulRequest): string {
  if (/acl not found/i.test(body)) {
    return (
      "Consul does not know the token (it was deleted, has expired or is of another datacentre); " +
      "give a valid one as `token`, `tokenFile` or CONSUL_HTTP_TOKEN"
    );
  }
  const rules =
    access === "write"
      ? `service "${service}" { policy = "write" }`
      : `service "${service}" { policy = "read" } and node_prefix "" { policy = "read" }`;
  const whose = hasToken
    ? "the token's policy lacks a rule"
    : "no token was given, and the anonymous token's policy lacks a rule";
  const fix = hasToken
    ? "add"
    : "set `token`, `tokenFile` or CONSUL_HTTP_TOKEN to a token with, or allow the anonymous one,";
  return `${whose}: ${fix} ${rules}`;
}

function failedBecause(status: number, body: string): string {
  if (status === 404) return `Consul knows no such path (404); is it Consul that answers there?`;
  if (status === 429) return "Consul limits this client's requests (429)";
  if (status === 400) return "Consul does not understand an option (400)";
  if (/no cluster leader/i.test(body)) return `Consul's servers have no leader (${status})`;
  if (/no path to datacenter/i.test(body)) return `Consul knows no such datacentre (${status})`;
  if (/rpc error/i.test(body)) return `the agent could not ask its servers (${status})`;
  if (status >= 500) return `Consul failed (${status})`;
  return `Consul answered with the status ${status}`;
}

/** True when the agent says that it has no such check: it was restarted, or somebody deregistered the instance. */
export function isCheckUnknown(status: number, body: string): boolean {
  if (status === 404) return true;
  return status === 500 && /unknown check|does not have associated TTL/i.test(body);
}

function quoted(body: string): string {
  const text = body
    .replace(/[^\x20-\x7e]+/g, " ")
    .trim()
    .slice(0, QUOTED_CHARS_MAX);
  return text === "" ? "" : `; it says: ${text}`;
}
