/**
 * What the API server refused, in words: which verb on what, where and as whom, and what to do.
 *
 * Pure. A 403 names the rule that is missing, ready for `kubectl apply`. Invariant: nothing here holds a
 * token; the account's name comes from the server's own message.
 */
import type { FoundationError } from "@foundation/core";
import { discoveryErrors } from "../../errors.js";
import type { ApiStatus } from "./answers.js";
import type { WatchedResource } from "./endpoint-rules.js";
import { kubernetesLimits } from "./limits.js";

/** What was asked for. */
export interface ApiRequest {
  readonly verb: "list" | "watch";
  readonly resource: WatchedResource;
  /** undefined: all of them. */
  readonly namespace: string | undefined;
  /** e.g. `https://10.96.0.1:443` */
  readonly server: string;
  /** Path and query. */
  readonly path: string;
}

const RESOURCES = {
  endpoints: { plural: "endpointslices", group: "discovery.k8s.io", api: "discovery.k8s.io/v1" },
  pods: { plural: "pods", group: "", api: "v1" },
} as const;

/** The error for an answer that is none of the wanted ones. */
export function refusal(request: ApiRequest, status: ApiStatus): FoundationError {
  if (status.code === 403) return forbidden(request, status);
  if (status.code === 401) return unauthorized(request, status);
  const { server } = request;
  const reason = reasonOf(request, status);
  return discoveryErrors.ERR_KUBERNETES_UNAVAILABLE(
    `The Kubernetes API server ${server} did not ${request.verb} ${wantedOf(request)}: ${reason}. ` +
      "The peers known until now stay on offer; it is asked again.",
    { server, request: request.path, reason, status: status.code },
  );
}

/** `endpointslices in the namespace "shop"`. */
export function wantedOf({ resource, namespace }: ApiRequest): string {
  const { plural } = RESOURCES[resource];
  return namespace === undefined ? `${plural} of all namespaces` : `${plural} in "${namespace}"`;
}

function reasonOf(request: ApiRequest, status: ApiStatus): string {
  const { code } = status;
  const said = status.message === "" ? "" : `: ${quoted(status.message)}`;
  if (code === 404) {
    const { api, plural } = RESOURCES[request.resource];
    const where = request.namespace === undefined ? "" : `, or the namespace is not there`;
    return `404, it does not serve ${plural} of ${api} (Kubernetes 1.21 and later do)${where}${said}`;
  }
  if (code === 400) return `400, it does not understand the question; look at \`selector\`${said}`;
  if (code === 410) return `410, it no longer has the version asked for${said}`;
  if (code === 429) return `429, it has too much to do${said}`;
  return `it answered ${code}${said}`;
}

function unauthorized({ server }: ApiRequest, { message }: ApiStatus): FoundationError {
  const reason = message === "" ? "401" : `401: ${quoted(message)}`;
  return discoveryErrors.ERR_KUBERNETES_UNAUTHORIZED(
    `The Kubernetes API server ${server} does not accept the service account's token (${reason}). ` +
      "The token file was read again and holds no other one. Look whether it is mounted " +
      "(automountServiceAccountToken), belongs to this cluster, and whether the account still exists.",
    { server, reason },
  );
}

const USER = /User "([^"]{1,253})"/;
const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

function forbidden(request: ApiRequest, { message }: ApiStatus): FoundationError {
  const { verb, namespace } = request;
  const { plural: resource } = RESOURCES[request.resource];
  const user = USER.exec(message)?.[1] ?? "";
  const rule = rbacRule(request, user);
  const who = user === "" ? "The service account" : user;
  return discoveryErrors.ERR_KUBERNETES_FORBIDDEN(
    `${who} may not ${verb} ${wantedOf(request)} (403 from ${request.server}). The peers known until ` +
      `now stay on offer. Allow it with kubectl apply -f -:\n${rule}`,
    { verb, resource, namespace: namespace ?? "", serviceAccount: user, rule },
  );
}

/**
 * The role and its binding that `kubernetes` needs, as YAML.
 *
 * @param user as the server names it, e.g. `system:serviceaccount:shop:default`; may be empty
 */
export function rbacRule(
  { resource, namespace }: Pick<ApiRequest, "resource" | "namespace">,
  user: string,
): string {
  const { plural, group } = RESOURCES[resource];
  const [, home = namespace ?? "default", account = "default"] = ACCOUNT.exec(user) ?? [];
  const isForeign = user !== "" && !ACCOUNT.test(user);
  const [role, scope] =
    namespace === undefined ? ["ClusterRole", ""] : ["Role", `, namespace: ${namespace}`];
  const subject = isForeign
    ? `  - { kind: User, name: ${JSON.stringify(user)}, apiGroup: rbac.authorization.k8s.io }`
    : `  - { kind: ServiceAccount, name: ${account}, namespace: ${home} }`;
  return [
    "apiVersion: rbac.authorization.k8s.io/v1",
    `kind: ${role}`,
    `metadata: { name: foundation-discovery${scope} }`,
    "rules:",
    `  - { apiGroups: ["${group}"], resources: ["${plural}"], verbs: ["get", "list", "watch"] }`,
    "---",
    "apiVersion: rbac.authorization.k8s.io/v1",
    `kind: ${role}Binding`,
    `metadata: { name: foundation-discovery${scope} }`,
    `roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ${role}, name: foundation-discovery }`,
    "subjects:",
    subject,
  ].join("\n");
}

/** A text of the server, short enough for a message, in one line. */
export function quoted(text: string): string {
  return text.replace(/\s+/g, " ").trim().slice(0, kubernetesLimits.quoteCharsMax);
}
