/**
 * Failures: what an error of a call says about the request. Pure.
 *
 * etcd's own errors are known by their texts (its `rpctypes`), because one status code stands for several. What is not
 * known is in doubt: the request may have been applied. Only what etcd says before it proposes anything, or what the
 * client says before it has a connection, is certain to have done nothing.
 */

/** As gRPC gives it. */
export interface CallError {
  readonly code: number;
  readonly details: string;
}

export type Failure =
  /** Nothing was done; ask again, best somewhere else. */
  | { readonly type: "not-taken"; readonly reason: string }
  /** It may have been done. */
  | { readonly type: "in-doubt"; readonly reason: string }
  /** The token is old or unknown there; nothing was done. */
  | { readonly type: "token"; readonly reason: string }
  /** Nothing was done, and asking again does not help. */
  | {
      readonly type: "compacted" | "invalid" | "lease-lost" | "no-auth" | "refused" | "too-large";
      readonly reason: string;
    };

/** gRPC's status codes that matter without a known text. */
const CODES = { invalidArgument: 3, permissionDenied: 7, unimplemented: 12, unauthenticated: 16 };

const KNOWN: readonly (readonly [text: string, type: Failure["type"]])[] = [
  ["etcdserver: no leader", "not-taken"],
  ["etcdserver: not leader", "not-taken"],
  ["etcdserver: too many requests", "not-taken"],
  ["etcdserver: rpc not supported for learner", "not-taken"],
  ["raft proposal dropped", "not-taken"],
  ["No connection established", "not-taken"],
  ["etcdserver: invalid auth token", "token"],
  ["etcdserver: revision of auth store is old", "token"],
  ["etcdserver: authentication is not enabled", "no-auth"],
  ["etcdserver: mvcc: required revision has been compacted", "compacted"],
  ["etcdserver: mvcc: required revision is a future revision", "invalid"],
  ["etcdserver: requested lease not found", "lease-lost"],
  ["etcdserver: request is too large", "too-large"],
  ["grpc: received message larger than max", "too-large"],
  ["etcdserver: too many operations in txn request", "too-large"],
  ["etcdserver: too large lease TTL", "invalid"],
  ["etcdserver: duplicate key given in txn request", "invalid"],
  ["etcdserver: key is not provided", "invalid"],
  ["etcdserver: mvcc: database space exceeded", "refused"],
  ["etcdserver: permission denied", "refused"],
  ["etcdserver: user name is empty", "refused"],
  ["etcdserver: authentication failed", "refused"],
];

export function failureOf({ code, details }: CallError): Failure {
  const reason = details === "" ? `status ${code}` : details;
  for (const [text, type] of KNOWN) if (details.includes(text)) return { type, reason };
  switch (code) {
    case CODES.unauthenticated:
      return { type: "token", reason };
    case CODES.invalidArgument:
    case CODES.permissionDenied:
    case CODES.unimplemented:
      return { type: "refused", reason };
    default:
      return { type: "in-doubt", reason };
  }
}

/** Whether an answer came that this side did not take because of its size. */
export function isAnswerTooLarge({ details }: CallError): boolean {
  return details.startsWith("Received message larger than max");
}
