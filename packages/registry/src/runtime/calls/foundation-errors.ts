/** Any thrown value as a FoundationError, and exit reasons as plain data and back. */
import {
  fromWireError,
  isFoundationError,
  isNodeId,
  toWireError,
  type ExitReason,
  type FoundationError,
  type Pid,
} from "@foundation/core";
import { parseOwner } from "../../protocol/parse-spec.js";

/** The error itself, or ERR_HANDLER_FAILED that says what was thrown. */
export function asFoundationError(thrown: unknown): FoundationError {
  return isFoundationError(thrown) ? thrown : fromWireError(toWireError(thrown));
}

/** An exit reason as plain data. */
export function toWireReason(reason: ExitReason): unknown {
  if (reason.type === "error") return { type: "error", error: toWireError(reason.error) };
  if (reason.type !== "linked") return reason;
  return { type: "linked", pid: reason.pid, reason: toWireReason(reason.reason) };
}

/** The exit reason a peer sent; what cannot be read is `killed`, the least that can be said. */
export function fromWireReason(data: unknown): ExitReason {
  const fields = (typeof data === "object" && data !== null ? data : {}) as {
    readonly [field: string]: unknown;
  };
  switch (fields.type) {
    case "normal":
    case "shutdown":
    case "name-conflict":
    case "migrated":
    case "lease-lost":
      return { type: fields.type };
    case "error":
      return { type: "error", error: fromWireError(fields.error) };
    case "node-down":
      return isNodeId(fields.node) ? { type: "node-down", node: fields.node } : { type: "killed" };
    case "linked": {
      const pid = parsePid(fields.pid);
      if (pid === undefined) return { type: "killed" };
      return { type: "linked", pid, reason: fromWireReason(fields.reason) };
    }
    default:
      return { type: "killed" };
  }
}

/** The pid, or undefined when it is not one. */
export function parsePid(value: unknown): Pid | undefined {
  const owner = parseOwner(value);
  const serial = (value as { serial?: unknown } | undefined)?.serial;
  if (owner === undefined || typeof serial !== "number" || !Number.isSafeInteger(serial)) {
    return undefined;
  }
  return { ...owner, serial };
}
