/**
 * Errors across the wire: code, message, details and retryability travel; stack and cause stay where they happened.
 *
 * What arrives is checked field by field, because a peer of another version may send anything.
 */
import { coreErrors } from "./errors.js";
import { FoundationError, isFoundationError, type ErrorDetails } from "./foundation-error.js";

/** An error as plain data. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly details: ErrorDetails;
  readonly retryable: boolean;
}

/** Plain data of any thrown value: a `FoundationError` keeps its code, anything else becomes ERR_HANDLER_FAILED. */
export function toWireError(thrown: unknown): WireError {
  // By its name and code, not by its class: another copy of this package has another class.
  if (isFoundationError(thrown)) {
    const { code, message, retryable } = thrown;
    const { details } = thrown as { details?: ErrorDetails };
    return { code, message, details: details ?? {}, retryable: retryable === true };
  }
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return coreErrors
    .ERR_HANDLER_FAILED(`The handler threw ${message}`, { thrown: message })
    .toJSON();
}

/** The error a peer sent, rebuilt. Missing or mistyped fields get neutral values; nothing a peer sends throws here. */
export function fromWireError(data: unknown): FoundationError {
  const fields = (typeof data === "object" && data !== null ? data : {}) as Partial<WireError>;
  return new FoundationError({
    code: typeof fields.code === "string" ? fields.code : "ERR_HANDLER_FAILED",
    message:
      typeof fields.message === "string"
        ? fields.message
        : "The peer sent an error without a message",
    details: typeof fields.details === "object" && fields.details !== null ? fields.details : {},
    retryable: fields.retryable === true,
  });
}
