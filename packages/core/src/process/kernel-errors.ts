/** The errors of the kernel, worded: what happened to which process, and what that means. */
import { coreErrors } from "../errors/errors.js";
import type { FoundationError } from "../errors/foundation-error.js";
import type { ProcessDefinition } from "./definition.js";
import type { Delivery, ExitReason } from "./kernel-port.js";
import type { LocalProcess } from "./local-process.js";

type Call = Extract<Delivery, { type: "call" }>;

/** A call that waited in the mailbox of a process that ended. */
export function neverRan(process: LocalProcess): FoundationError {
  return coreErrors.ERR_NO_PROCESS(
    `${process.title} ended before it came to the call, which did not run: a retry is safe`,
    { process: process.title },
  );
}

/** A call that was running when its process was ended from outside. */
export function callLost(
  process: LocalProcess,
  handler: string,
  reason: ExitReason,
): FoundationError {
  return coreErrors.ERR_OUTCOME_UNKNOWN(
    `${process.title} was ended (${reason.type}) while it ran "${handler}": part of it may have ` +
      "taken effect",
    { reason: "process-ended", target: process.title },
  );
}

/** A handler threw what is not an answer. */
export function crashed(
  process: LocalProcess,
  message: Delivery,
  thrown: unknown,
): FoundationError {
  const text = textOf(thrown);
  return coreErrors.ERR_HANDLER_FAILED(
    `${process.title} crashed in its handler for ${nameOf(message)}: ${text}`,
    { thrown: text },
    thrown,
  );
}

/** For people: `call "add"`. */
export function nameOf(message: Delivery): string {
  if (message.type === "info") return "info";
  return message.type === "conflict" ? "a conflict" : `${message.type} "${message.handler}"`;
}

export function initFailed(process: LocalProcess, thrown: unknown): FoundationError {
  const text = textOf(thrown);
  return coreErrors.ERR_INIT_FAILED(
    `${process.title} did not start, because its init threw ${text}`,
    { process: process.title, thrown: text },
    thrown,
  );
}

/** Ended from outside while init ran. */
export function notStarted(process: LocalProcess, reason: ExitReason): FoundationError {
  return coreErrors.ERR_INIT_FAILED(
    `${process.title} did not start: it was ended (${reason.type}) while its init ran`,
    { process: process.title, thrown: reason.type },
    reason.type === "error" ? reason.error : undefined,
  );
}

export function startAborted(name: string, signal: AbortSignal | undefined): FoundationError {
  return coreErrors.ERR_ABORTED(
    `The start of process "${name}" was given up before it was ready`,
    { target: name },
    signal?.reason,
  );
}

/** Frozen by somebody else, or started passive. */
export function alreadyFrozen(process: LocalProcess): FoundationError {
  return coreErrors.ERR_PROCESS_FROZEN(
    `${process.title} is frozen already: thaw it, or wait for the hand-over in progress`,
    { process: process.title },
  );
}

/** Thawed by somebody before it came to rest. */
export function startedAnew(process: LocalProcess): FoundationError {
  return coreErrors.ERR_ABORTED(
    `${process.title} was thawed before its message in progress ended: it goes on as before`,
    { target: process.title },
  );
}

/** The state to begin with is of another version, and nothing brings it to this one. */
export function noUpgrade(definition: ProcessDefinition, found: number): FoundationError {
  return coreErrors.ERR_STATE_VERSION(
    `The state for a process "${definition.name}" is of version ${found}, the definition of ` +
      `${definition.version}, and it has no upgrade(oldState, fromVersion)`,
    { definition: definition.name, expected: definition.version, found },
  );
}

/** The caller's signal fired before the handler began. */
export function notWanted(call: Call): FoundationError {
  return coreErrors.ERR_ABORTED(
    `The caller gave up the call "${call.handler}" before it began: it did not run`,
    { target: call.handler },
    call.signal?.reason,
  );
}

export function selfCall(process: LocalProcess, call: Call): FoundationError {
  return coreErrors.ERR_INVALID_ARGUMENT(
    `${process.title} called its own handler "${call.handler}" and would wait for itself: ` +
      "use the state directly, or cast",
    { argument: "process", expected: "another process", found: process.title },
  );
}

/** What the signal of a process that is told to end fires with. */
export function told(process: LocalProcess, reason: ExitReason): FoundationError {
  return coreErrors.ERR_CLOSED(`${process.title} is told to end (${reason.type})`, {
    what: process.title,
  });
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : safeString(thrown);
}

/** `String` of an object without a prototype throws. */
function safeString(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `a value of type ${typeof value}`;
  }
}
