/** Every error code of @foundation/overlay. docs/errors.md is generated from here. */
import { defineErrors, error } from "@foundation/core";

/** What every refused handshake tells. */
export interface RefusalDetails {
  readonly [field: string]: unknown;
  /** Where the other side is. */
  readonly remote: string;
  /** Who refused. */
  readonly refusedBy: "us" | "peer";
}

export const overlayErrors = defineErrors({
  ERR_INSECURE_LISTEN: error<{ readonly host: string }>({
    summary:
      "The overlay was asked to listen beyond loopback, where it would speak without encryption.",
    fix: 'Leave the option tls out (it is then "psk" beyond loopback) or give certificates; without encryption listen on 127.0.0.1, ::1 or localhost.',
    retryable: false,
  }),
  ERR_WRONG_SECRET: error<RefusalDetails>({
    summary: "The other side could not prove that it knows this cluster's secret.",
    fix: "Set the same FOUNDATION_SECRET (or option secret) on both nodes and start the wrong one again.",
    retryable: false,
  }),
  ERR_WRONG_CLUSTER: error<RefusalDetails>({
    summary: "The other side belongs to another cluster.",
    fix: "Set the same FOUNDATION_NAME (option name; of createOverlay: cluster) on both nodes, or correct the address.",
    retryable: false,
  }),
  ERR_PROTOCOL_VERSION: error<RefusalDetails>({
    summary: "The two nodes have no protocol version in common.",
    fix: "Upgrade the older node; versions next to each other understand each other.",
    retryable: false,
  }),
  ERR_AUTHENTICATION_METHOD: error<RefusalDetails>({
    summary: "The two nodes prove the cluster's secret by different methods.",
    fix: "Configure the same security on both nodes.",
    retryable: false,
  }),
  ERR_NODE_ID_CLASH: error<RefusalDetails>({
    summary: "A second node uses the id of a node that is alive.",
    fix: "Give each node a data directory of its own; never copy one while its owner runs.",
    retryable: false,
  }),
  ERR_NODE_KEY_MISMATCH: error<RefusalDetails>({
    summary:
      "A node showed another node key than its id has proved before, none any more, or could not sign with it.",
    fix: "If the node lost its data directory, start it without the rest of it, as a new node; if not, somebody who knows the secret passes for it: change the secret.",
    retryable: false,
  }),
  ERR_CERTIFICATE_REFUSED: error<RefusalDetails>({
    summary:
      "A certificate was missing, expired, of another authority, or does not name this cluster.",
    fix: "Give both nodes certificates of the same authority with the subject alternative name URI:foundation://<cluster>/<node>, and renew those that have expired.",
    retryable: false,
  }),
  ERR_NOT_ENCRYPTED: error<RefusalDetails>({
    summary: "One side spoke TLS where the other speaks without, or the reverse.",
    fix: "Configure the same option tls on both nodes and dial the announced address: wss:// is with TLS, ws:// without.",
    retryable: false,
  }),
  ERR_CLIENT_REFUSED: error<RefusalDetails>({
    summary: "A client dialled a client, in a cluster where clients are linked to servers only.",
    fix: 'Nothing, if both set clientLinks to "refused": the message goes over their servers. If the dialler does not, set it there too.',
    retryable: true,
  }),
  ERR_STALE_BOOT: error<RefusalDetails>({
    summary: "A newer start of the same node has already been seen.",
    fix: "Stop the older process. If there is none, data and wall clock of the node were set back: correct the clock and start the node again, or start it without its data directory.",
    retryable: false,
  }),
  ERR_SELF_DIAL: error<RefusalDetails>({
    summary: "A node dialled its own address.",
    fix: "Nothing: the address is forgotten. Leave it out of the list of peers if you like.",
    retryable: false,
  }),
  ERR_CLOCK_SKEW: error<RefusalDetails>({
    summary: "The other side's wall clock is too far ahead.",
    fix: "Synchronise the clocks of both machines (NTP); up to 500 ms of difference are accepted.",
    retryable: true,
  }),
  ERR_DUPLICATE_LINK: error<RefusalDetails>({
    summary: "The two nodes dialled each other at the same time and the other connection is kept.",
    fix: "Nothing: the nodes are connected.",
    retryable: true,
  }),
  ERR_NO_COORDINATION_LINK: error<RefusalDetails>({
    summary: "A channel was opened by a node that has no coordination link, or did not dial it.",
    fix: "Nothing: the channel is opened again once the coordination link is up.",
    retryable: true,
  }),
  ERR_TOO_MANY_CHANNELS: error<RefusalDetails>({
    summary: "A channel was opened to a node that has 64 channels to the opener already.",
    fix: "Use fewer channels between two nodes; subjects tell messages of one channel apart.",
    retryable: false,
  }),
  ERR_TOO_MANY_HANDSHAKES: error<RefusalDetails>({
    summary:
      "More connections without proof than are allowed: in all, of one address, or after failures.",
    fix: "Wait: dialling goes on by itself. If it stays, find who opens connections and proves nothing.",
    retryable: true,
  }),
  ERR_SHUTTING_DOWN: error<RefusalDetails>({
    summary: "The node is leaving and takes no new connections.",
    fix: "Nothing: it is about to be gone.",
    retryable: true,
  }),
  ERR_HANDSHAKE_MALFORMED: error<RefusalDetails>({
    summary: "The other side did not follow the handshake: it may be no Foundation node at all.",
    fix: "Correct the address; if it is right, compare the versions on both sides.",
    retryable: false,
  }),
  ERR_HANDSHAKE_TIMEOUT: error<RefusalDetails>({
    summary: "The other side did not finish the handshake in time.",
    fix: "Wait: dialling goes on by itself. If it stays, the other process is stalled or is no node.",
    retryable: true,
  }),
  ERR_HANDSHAKE_REFUSED: error<RefusalDetails & { readonly peerCode: string }>({
    summary: "The other side refused for a reason this version does not know.",
    fix: "Look at the log of the other node, and upgrade the older one.",
    retryable: false,
  }),
  ERR_BROWSER_ORIGIN: error<RefusalDetails>({
    summary: "A page in a browser tried to open a connection to the node; the request was refused.",
    fix: "Nothing, unless you opened that page: then distrust it. Tools must not send an Origin header.",
    retryable: false,
  }),
  ERR_NOT_SUPPORTED: error<{
    readonly topology: string;
    readonly feature: string;
    readonly why: string;
    readonly instead: string;
  }>({
    summary: "The application needs something that the overlay's topology does not do.",
    fix: "Do what details.instead says, or switch to a topology that has the feature.",
    retryable: false,
  }),
  ERR_FRAME_MALFORMED: error<{ readonly reason: string; readonly offset: number }>({
    summary:
      "An authenticated peer sent a frame that is not well formed; its connection was closed.",
    fix: "Compare the versions on both sides; if they are equal, report it.",
    retryable: false,
  }),
  ERR_MESSAGE_TOO_LARGE: error<{ readonly sizeBytes: number; readonly limitBytes: number }>({
    summary: "One message is larger than a frame may be.",
    fix: "Send it in pieces, or send a reference to the data.",
    retryable: false,
  }),
  ERR_SUBJECT_CLASH: error<{ readonly subject: string; readonly other: string }>({
    summary: "Two subjects have the same hash, so messages for them could not be told apart.",
    fix: "Rename one of the two subjects.",
    retryable: false,
  }),
});

/** Codes with which a handshake can end; the REJECT frame carries one of them. */
export const refusalCodes = [
  "ERR_WRONG_SECRET",
  "ERR_WRONG_CLUSTER",
  "ERR_PROTOCOL_VERSION",
  "ERR_AUTHENTICATION_METHOD",
  "ERR_NODE_ID_CLASH",
  "ERR_NODE_KEY_MISMATCH",
  "ERR_CLIENT_REFUSED",
  "ERR_STALE_BOOT",
  "ERR_SELF_DIAL",
  "ERR_CLOCK_SKEW",
  "ERR_DUPLICATE_LINK",
  "ERR_NO_COORDINATION_LINK",
  "ERR_TOO_MANY_CHANNELS",
  "ERR_TOO_MANY_HANDSHAKES",
  "ERR_SHUTTING_DOWN",
  "ERR_HANDSHAKE_MALFORMED",
  "ERR_HANDSHAKE_TIMEOUT",
] as const;

export type RefusalCode = (typeof refusalCodes)[number];
