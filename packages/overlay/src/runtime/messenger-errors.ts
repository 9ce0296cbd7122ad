/** The errors a message or a request ends with, each saying whether it may have run. */
import { coreErrors, fromWireError, toWireError, type Codec, type NodeId } from "@foundation/core";
import { LINK, RPC } from "../limits.js";

/** Of a message that is cut because its error could not be encoded as it was. */
const MESSAGE_CHARS_MAX = 1_024;

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

function unknownSubject(subject: string, node: NodeId): Error {
  return coreErrors.ERR_UNKNOWN_SUBJECT(`Node ${node} has no handler for subject "${subject}"`, {
    subject,
    node,
  });
}

/** At the receiver, which knows no more of a subject than its hash. */
export function noHandler(hash: number, node: string, of = ""): Error {
  const subject = `#${hash.toString(16)}`;
  const text = `No handler for ${of}subject ${subject}`;
  return coreErrors.ERR_UNKNOWN_SUBJECT(text, { subject, node });
}

/** What a failed handler threw, as it travels. */
export function encodeError(codec: Codec, thrown: unknown): Uint8Array {
  const wire = toWireError(thrown);
  try {
    return codec.encode(wire);
  } catch {
    // Details that are not plain data stay here; code and message go.
    const message = wire.message.slice(0, MESSAGE_CHARS_MAX);
    return codec.encode({ ...wire, message, details: {} });
  }
}

/** The answer to a request or a message of an acked channel, as its sender gets it. */
export function decodeError(
  codec: Codec,
  payload: Uint8Array,
  { to, subject }: Pick<RequestFacts, "to" | "subject">,
): Error {
  try {
    const error = fromWireError(codec.decode(payload));
    return error.code === "ERR_UNKNOWN_SUBJECT" ? unknownSubject(subject, to) : error;
  } catch (thrown) {
    return thrown as Error;
  }
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

/**
 * What is none would fail later, in a timer, where nobody can catch it.
 *
 * @throws {ERR_INVALID_ARGUMENT} @throws {ERR_ABORTED} it has fired already
 */
export function checkSignal(signal: AbortSignal, target: NodeId): void {
  const { aborted: hasFired, removeEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (typeof hasFired !== "boolean" || typeof removeEventListener !== "function") {
    const expected = "an AbortSignal";
    throw coreErrors.ERR_INVALID_ARGUMENT(`signal must be ${expected}, found ${String(signal)}`, {
      argument: "signal",
      expected,
      found: String(signal),
    });
  }
  if (hasFired) throw aborted(target);
}
