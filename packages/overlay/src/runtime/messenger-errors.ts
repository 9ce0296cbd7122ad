/** The errors a message or a request ends with, each saying whether it may have run. */
import { coreErrors, type NodeId } from "@foundation/core";
import { LINK, RPC } from "../limits.js";

/** What the errors tell of a request. */
export interface RequestFacts {
  readonly to: NodeId;
  readonly subject: string;
  readonly timeoutMs: number;
}

export function unreachable(node: NodeId, reason: string): Error {
  return coreErrors.ERR_NODE_UNREACHABLE(`Node ${node} cannot be reached: ${reason}`, {
    node,
    reason,
  });
}

export function aborted(target: NodeId): Error {
  return coreErrors.ERR_ABORTED(`A message to node ${target} was aborted before it was written`, {
    target,
  });
}

export function timedOut({ to, subject, timeoutMs }: RequestFacts): Error {
  return coreErrors.ERR_TIMEOUT(
    `Request "${subject}" to node ${to} could not be written within ${timeoutMs} ms; it did not run`,
    { timeoutMs, target: to },
  );
}

export function outcomeUnknown(
  { to, subject }: RequestFacts,
  reason: "connection-lost" | "deadline-exceeded" | "aborted",
  why: string,
): Error {
  return coreErrors.ERR_OUTCOME_UNKNOWN(
    `Request "${subject}" to node ${to} may or may not have run: ${why}`,
    { reason, target: to },
  );
}

export function unknownSubject(subject: string, node: NodeId): Error {
  return coreErrors.ERR_UNKNOWN_SUBJECT(`Node ${node} has no handler for subject "${subject}"`, {
    subject,
    node,
  });
}

export function tooManyRequests(): Error {
  return coreErrors.ERR_QUEUE_FULL(
    `${RPC.pendingMax} requests of this node wait for replies already: send more slowly`,
    { queue: "pending requests", limit: RPC.pendingMax, unit: "messages" },
  );
}

export function waitersFull(channel: string): Error {
  const megabytes = LINK.waitingBytesMax / 1024 / 1024;
  return coreErrors.ERR_QUEUE_FULL(
    `${LINK.waitersMax} sends, or ${megabytes} MiB of them, wait for room on channel "${channel}" already: await send before sending more`,
    { queue: `channel ${channel}`, limit: LINK.waitersMax, unit: "messages" },
  );
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkTimeout(timeoutMs: number): void {
  if (timeoutMs > 0 && timeoutMs <= RPC.timeoutMsMax) return;
  const expected = `a number of milliseconds above 0 and up to ${RPC.timeoutMsMax}`;
  throw coreErrors.ERR_INVALID_ARGUMENT(`timeoutMs must be ${expected}, found ${timeoutMs}`, {
    argument: "timeoutMs",
    expected,
    found: String(timeoutMs),
  });
}
