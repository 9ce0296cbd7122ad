/**
 * Attempt: one request to one instance, and what its outcome says.
 *
 * The network's own errors, an answer that says that nothing was called, and the handler's errors come by three ways, so
 * that no handler can throw something that reads as "nothing ran".
 */
import {
  currentTrace,
  fromWireError,
  isFoundationError,
  coreErrors,
  type Messenger,
} from "@foundation/core";
import type { Failure } from "../../protocol/balancing/outcome.js";
import type { ServiceInstance } from "../../protocol/services/record.js";
import { FAILED, REFUSED, VALUE } from "../services/offered-service.js";
import { REQUEST } from "../services/service-directory.js";
import { CHANNEL } from "../wiring.js";

/** What became of a request. */
export type Answer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown; readonly failure: Failure };

/** The network's words for a request that was never written. */
const NOT_WRITTEN: readonly string[] = [
  "ERR_NODE_UNREACHABLE",
  "ERR_TIMEOUT",
  "ERR_UNKNOWN_SUBJECT",
  "ERR_QUEUE_FULL",
];

/** Words that say something of the caller alone. */
const CALLERS: readonly string[] = ["ERR_ABORTED", "ERR_NOT_ENCODABLE", "ERR_CLOSED"];

/** Sends the request. Never rejects. */
export async function ask(
  messenger: Messenger,
  instance: ServiceInstance,
  request: unknown,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const { node, boot, serial, service } = instance;
  const route = { to: node, channel: CHANNEL, subject: REQUEST };
  try {
    const options = { timeoutMs, signal, trace: currentTrace() };
    return read(await messenger.request(route, [boot, serial, service, request], options), service);
  } catch (error) {
    return { ok: false, error, failure: failureOf(error, signal) };
  }
}

function failureOf(error: unknown, signal: AbortSignal | undefined): Failure {
  const code = isFoundationError(error) ? error.code : "?";
  const retryable = isFoundationError(error) && error.retryable;
  if (CALLERS.includes(code)) return { ran: "no", code, retryable, isCallers: true };
  if (NOT_WRITTEN.includes(code)) return { ran: "no", code, retryable, isCallers: false };
  return { ran: "unknown", code, retryable, isCallers: signal?.aborted === true };
}

function read(reply: unknown, service: string): Answer {
  const [tag, body] = Array.isArray(reply) ? (reply as readonly unknown[]) : [];
  if (tag === VALUE) return { ok: true, value: body };
  if (tag !== FAILED && tag !== REFUSED) {
    const error = coreErrors.ERR_OUTCOME_UNKNOWN(
      `The answer of an instance of "${service}" cannot be read: its node runs another version`,
      { reason: "connection-lost", target: service },
    );
    const failure = {
      ran: "unknown",
      code: error.code,
      retryable: false,
      isCallers: false,
    } as const;
    return { ok: false, error, failure };
  }
  const error = fromWireError(body);
  const { code, retryable } = error;
  const ran = tag === REFUSED ? "no" : "yes";
  return { ok: false, error, failure: { ran, code, retryable, isCallers: false } };
}
