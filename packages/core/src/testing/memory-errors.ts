/** The errors a message, a request or a stream of a MemoryCluster ends with, each saying whether it may have run. */
import { coreErrors } from "../errors/errors.js";
import type { FoundationError } from "../errors/foundation-error.js";
import type { NodeId } from "../ids/node-id.js";
import type { Route } from "../ports/messenger.js";
import { testingLimits } from "./limits.js";

export function unknownSubject(subject: string, node: NodeId): FoundationError {
  return coreErrors.ERR_UNKNOWN_SUBJECT(`Node ${node} has no handler for "${subject}"`, {
    subject,
    node,
  });
}

export function unreachable({ to }: Pick<Route, "to">): Error {
  const reason = "it is not a member";
  return coreErrors.ERR_NODE_UNREACHABLE(`Node ${to} cannot be reached: ${reason}`, {
    node: to,
    reason,
  });
}

export function unknown(
  target: NodeId,
  reason: "connection-lost" | "deadline-exceeded" | "aborted",
): Error {
  return coreErrors.ERR_OUTCOME_UNKNOWN(
    `The request to node ${target} was sent and no reply came (${reason}): it may have run`,
    { reason, target },
  );
}

export function aborted({ to }: Route, signal: AbortSignal | undefined): Error {
  return coreErrors.ERR_ABORTED(
    `The message to node ${to} was aborted unsent`,
    { target: to },
    signal?.reason,
  );
}

export function timedOut({ to }: Route, timeoutMs: number): Error {
  return coreErrors.ERR_TIMEOUT(
    `The request to node ${to} was not sent within ${timeoutMs} ms: there was no room`,
    { timeoutMs, target: to },
  );
}

export function tooManyRequests(): Error {
  const limit = testingLimits.pendingRequestsMax;
  return coreErrors.ERR_QUEUE_FULL(`${limit} requests wait for replies already`, {
    queue: "pendingRequests",
    limit,
    unit: "messages",
  });
}
