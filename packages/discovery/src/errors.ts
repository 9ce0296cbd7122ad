/** Every error code of @foundation/discovery. docs/errors.md is generated from here. */
import { defineErrors, error } from "@foundation/core";

export const discoveryErrors = defineErrors({
  ERR_RUN_DIRECTORY_INSECURE: error<{ readonly directory: string; readonly reason: string }>({
    summary: "The folder in which nodes of one user meet belongs to, or is open to, somebody else.",
    fix: "Run the chmod or rm the message names, or pass a folder of your own as `directory`.",
    retryable: false,
  }),
  ERR_RUN_DIRECTORY_UNUSABLE: error<{
    readonly directory: string;
    readonly operation: string;
    readonly reason: string;
  }>({
    summary: "The folder in which nodes of one user meet cannot be made, read or written.",
    fix: "Look at the reason (space, permissions), or pass another folder as `directory`.",
    retryable: true,
  }),
  ERR_ANNOUNCEMENT_UNREADABLE: error<{ readonly file: string; readonly reason: string }>({
    summary: "A file in the meeting folder is not a node's announcement; it was skipped.",
    fix: "Remove the file: only Foundation writes into that folder.",
    retryable: true,
  }),
  ERR_SECRET_EXPOSED: error<{ readonly file: string; readonly reason: string }>({
    summary: "The secret of this user's clusters can be read or changed by others.",
    fix: "Remove the file to get a new secret, or chmod 600 it if nobody has read it.",
    retryable: false,
  }),
  ERR_SECRET_DAMAGED: error<{ readonly file: string; readonly reason: string }>({
    summary: "The file with the secret of this user's clusters does not hold a secret.",
    fix: "Stop this user's nodes and remove the file; the next start makes a new one.",
    retryable: false,
  }),
  ERR_PEER_ADDRESS: error<{ readonly address: string; readonly reason: string }>({
    summary: "An address in a list of peers is not one a node can be reached at.",
    fix: "Write host:port or ws://host:port, with IPv6 addresses in brackets.",
    retryable: false,
  }),
  ERR_DISCOVERY_FAILED: error<{ readonly strategy: string; readonly reason: string }>({
    summary: "A discovery strategy threw or stopped by itself; it is started again.",
    fix: "Read the cause; a strategy reports a failed look-up and goes on until it is aborted.",
    retryable: true,
  }),
  ERR_LOOKUP_FAILED: error<{ readonly strategy: string; readonly reason: string }>({
    summary: "A discovery backend did not answer a look-up, or answered with an error.",
    fix: "Look at the reason; the last known peers stay on offer, and it is tried again with growing pauses.",
    retryable: true,
  }),
  ERR_LOOKUP_REFUSED: error<{
    readonly strategy: string;
    /** What was not allowed, e.g. `list endpointslices in "shop"`. */
    readonly what: string;
    readonly reason: string;
  }>({
    summary:
      "A discovery backend knows this node's identity and does not allow what was asked, or does not know it.",
    fix: "Give the identity the rule the message names; the last known peers stay on offer meanwhile.",
    retryable: true,
  }),
  ERR_DISCOVERY_EMPTY: error<{ readonly strategy: string; readonly kept: number }>({
    summary: "A discovery backend suddenly knows nobody; its last good answer was kept.",
    fix: "Check the service, selector, tags or name it was asked for; a cluster that is gone needs no fix.",
    retryable: true,
  }),
  ERR_DISCOVERY_PARTIAL: error<{ readonly strategy: string; readonly reason: string }>({
    summary: "A discovery backend answered in part; nobody it did not name was taken away.",
    fix: "Look at the reason: one of several look-ups failed, or the answer was cut.",
    retryable: true,
  }),
  ERR_KUBERNETES_SETTING: error<{ readonly setting: string; readonly reason: string }>({
    summary: "What `kubernetes` needs to ask the API server is neither given nor found in the pod.",
    fix: "Give the option the message names, or run in a pod that has a service account.",
    retryable: false,
  }),
  ERR_KUBERNETES_UNAVAILABLE: error<{
    readonly server: string;
    readonly request: string;
    readonly reason: string;
    readonly status?: number;
  }>({
    summary: "The Kubernetes API server was not reached, or did not answer as it should.",
    fix: "Read the reason: the network, TLS or the server itself; it is asked again by itself.",
    retryable: true,
  }),
  ERR_KUBERNETES_UNAUTHORIZED: error<{ readonly server: string; readonly reason: string }>({
    summary: "The Kubernetes API server does not accept the token of the service account.",
    fix: "Look whether the token file is mounted, of this cluster, and renewed by the kubelet.",
    retryable: true,
  }),
  ERR_KUBERNETES_FORBIDDEN: error<{
    readonly verb: string;
    readonly resource: string;
    readonly namespace: string;
    readonly serviceAccount: string;
    readonly rule: string;
  }>({
    summary: "The service account may not list or watch what discovery on Kubernetes needs.",
    fix: "Apply details.rule with kubectl; it is tried again by itself.",
    retryable: true,
  }),
  ERR_KUBERNETES_ANSWER: error<{ readonly request: string; readonly reason: string }>({
    summary: "An answer of the Kubernetes API server is malformed, of another kind or too large.",
    fix: "Look for a proxy that answers instead of the server; narrow `selector` if it is too large.",
    retryable: true,
  }),
  ERR_KUBERNETES_ENDPOINT: error<{ readonly object: string; readonly reason: string }>({
    summary: "An endpoint that Kubernetes lists has no address in the way the options ask for.",
    fix: "Name the port or the host name the message asks for, or choose another `mode` or `port`.",
    retryable: true,
  }),
  ERR_LAN_SECRET_MISSING: error<{ readonly strategy: string }>({
    summary: "Discovery on a network has no secret; it announces nothing and believes nobody.",
    fix: "Set FOUNDATION_SECRET to the same long random text on every node.",
    retryable: true,
  }),
  ERR_LAN_STRANGER: error<{ readonly strategy: string; readonly source: string }>({
    summary:
      "Somebody on this network has another secret, or is of another cluster; he is not believed.",
    fix: "If he should be a member, set the same FOUNDATION_SECRET and FOUNDATION_NAME on both nodes.",
    retryable: true,
  }),
  ERR_LAN_UNREACHABLE: error<{ readonly strategy: string; readonly address: string }>({
    summary:
      "This node looks for others on the network and listens on loopback only, so it is not announced.",
    fix: "Let it listen on the network: FOUNDATION_HOST=0.0.0.0, with a secret.",
    retryable: true,
  }),
  ERR_LAN_UNUSABLE: error<{
    readonly strategy: string;
    readonly what: string;
    readonly reason: string;
  }>({
    summary: "Discovery cannot use a network interface at the moment; it tries again by itself.",
    fix: "Look at the reason: an interface that is down, a port in use, a firewall, a missing permission.",
    retryable: true,
  }),
  ERR_LAN_UNREADABLE: error<{ readonly strategy: string; readonly source: string }>({
    summary:
      "Somebody sends datagrams that are none of discovery's to where it listens; they are dropped.",
    fix: "Find out who sends them (details.source); gossip can use another port or group.",
    retryable: true,
  }),
  ERR_LAN_FLOODED: error<{ readonly strategy: string; readonly source: string }>({
    summary: "More datagrams come from the network than discovery reads; the rest is dropped.",
    fix: "Find out who sends them (details.source), or use another port or group.",
    retryable: true,
  }),
  ERR_STRATEGY_UNAVAILABLE: error<{
    readonly strategy: string;
    readonly available: readonly string[];
  }>({
    summary: "The discovery strategy is not part of this version.",
    fix: "Choose one of details.available, or pass a strategy of your own.",
    retryable: false,
  }),
});
