/** Refusals: etcd's answers that say that nothing was done, as errors of the engine. */
import { coreErrors } from "@foundation/core";
import type { Revision } from "../engine/engine.js";
import { consensusErrors } from "../errors.js";
import { leaseLost } from "../store/engine-errors.js";
import type { Failure } from "./failures.js";

/** What etcd takes unless it is started with other limits; it does not say which it has. */
const ETCD_DEFAULTS = { requestBytes: 1_572_864, operations: 128, backendBytes: 2_147_483_648 };

/** grpc-js's words on an answer that it does not take. */
const ANSWER_SIZES = /^Received message larger than max \((\d+) vs (\d+)\)/;

/** A past revision was asked for that etcd has forgotten; since when it does not say. */
export class ForgottenRevision extends Error {}

/** etcd has no users, so that nobody can sign in. */
export class AuthenticationOff extends Error {}

/** What is known of a request, for its errors. */
export interface Refused {
  /** What it is called. */
  readonly what: string;
  /** Size of its keys and values. */
  readonly bytes?: number;
  /** What it is about, if about leases. */
  readonly lease?: string;
  readonly revision?: Revision;
}

export function refusedBy(failure: Failure, { what, bytes = 0, lease, revision }: Refused): Error {
  const { reason } = failure;
  switch (failure.type) {
    case "compacted":
      return new ForgottenRevision(reason);
    case "no-auth":
      return new AuthenticationOff(reason);
    case "lease-lost":
      return leaseLost(lease ?? "?");
    case "invalid": {
      const expected = "a request that etcd takes";
      const found = revision === undefined ? reason : `revision ${revision}: ${reason}`;
      return coreErrors.ERR_INVALID_ARGUMENT(
        `${what}: expected ${expected}, found ${found}; nothing was changed`,
        { argument: what, expected, found },
      );
    }
    case "too-large":
      return tooLarge(what, bytes, reason);
    default:
      return reason.includes("database space exceeded") ? full(reason) : refused(what, reason);
  }
}

function tooLarge(what: string, size: number, reason: string): Error {
  const [, found, most] = ANSWER_SIZES.exec(reason) ?? [];
  if (most !== undefined) {
    return consensusErrors.ERR_REQUEST_TOO_LARGE(
      `The answer to ${what} has ${found} bytes, and limits.answerBytesMax allows ${most}: ask with a limit, page by page`,
      { what, size: Number(found), limit: "answerBytesMax", max: Number(most) },
    );
  }
  const isCount = reason.includes("too many operations");
  const limit = isCount ? "--max-txn-ops" : "--max-request-bytes";
  const max = isCount ? ETCD_DEFAULTS.operations : ETCD_DEFAULTS.requestBytes;
  return consensusErrors.ERR_REQUEST_TOO_LARGE(
    `${what} is larger than etcd takes (${reason}): ${limit}, ${max} unless set otherwise. Nothing was changed; ask ` +
      "for less at once, or raise etcd's limit",
    { what, size, limit, max },
  );
}

function full(reason: string): Error {
  const [what, limit, max] = [
    "keys and values",
    "--quota-backend-bytes",
    ETCD_DEFAULTS.backendBytes,
  ];
  return consensusErrors.ERR_ENGINE_FULL(
    `etcd takes no more (${reason}): ${limit}, ${max} unless set otherwise. Compact and defragment it, or raise its ` +
      "quota, then disarm its alarm (etcdctl alarm disarm)",
    { what, limit, max },
  );
}

function refused(what: string, reason: string): Error {
  return consensusErrors.ERR_ENGINE_REFUSED(
    `etcd refused ${what} and changed nothing: ${reason}. ${adviceFor(reason)}`,
    { engine: "etcd", reason },
  );
}

function adviceFor(reason: string): string {
  if (reason.includes("authentication failed")) return "Check credentials.username and password";
  if (reason.includes("user name is empty")) return "It asks for a user: give `credentials`";
  if (reason.includes("permission denied")) {
    return "Grant the user's role readwrite on the prefix that is the engine's namespace";
  }
  return "Look into etcd's own log";
}

/** Nobody could be asked; nothing was changed. */
export function unreachable(
  endpoints: string,
  what: string,
  waitedMs: number,
  last?: string,
): Error {
  const because = last === undefined ? "no endpoint could be connected" : last;
  return consensusErrors.ERR_NO_QUORUM(
    `${what} found no etcd with a leader at ${endpoints} within ${waitedMs} ms (${because}); nothing was changed`,
    { group: `etcd at ${endpoints}`, waitedMs },
  );
}
