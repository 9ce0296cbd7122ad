/** What is wrong with what Kubernetes lists, in words that say what to change. */
import type { FoundationError } from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import type { EndpointIssue, EndpointRules } from "../protocol/kubernetes/endpoint-rules.js";

/** The problem to report. */
export function issueOf(
  { type, object, detail }: EndpointIssue,
  rules: EndpointRules,
): FoundationError {
  const reason = WORDS[type](detail, rules);
  return discoveryErrors.ERR_KUBERNETES_ENDPOINT(
    `${object} has endpoints that cannot be dialled: ${reason}. The others are on offer.`,
    { object, reason },
  );
}

const WORDS: Readonly<
  Record<EndpointIssue["type"], (detail: string, rules: EndpointRules) => string>
> = {
  "no-port": (detail) =>
    `it has no TCP port ${detail}; name the port so, or give kubernetes({ port: <number> })`,
  "no-hostname": (ip) =>
    `mode "hostname" needs a host name and ${ip} has none; run a StatefulSet with serviceName, or set ` +
    "hostname and subdomain of the pods, or choose another mode",
  "no-service": (ip) =>
    `mode "hostname" needs a service and ${ip} does not say of which it is; give kubernetes({ service })`,
  "bad-address": (detail) => detail,
};

/** The problem that nobody is listed any more. */
export function emptied(kept: number): FoundationError {
  return discoveryErrors.ERR_DISCOVERY_EMPTY(
    `Kubernetes answered that there is nobody, not even this node, where ${kept} peers were known. They stay ` +
      "on offer. Look whether the service still has this selector, and the pods their labels.",
    { strategy: "kubernetes", kept },
  );
}
