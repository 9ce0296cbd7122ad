/** The errors of a running group: what became of a request, and what to do. */
import { coreErrors } from "@foundation/core";
import { consensusErrors } from "../errors.js";

export function noQuorum(group: string, waitedMs: number): Error {
  const rounded = Math.round(waitedMs);
  return consensusErrors.ERR_NO_QUORUM(
    `No leader with a quorum of group ${group} could be reached in ${rounded} ms; nothing was ` +
      "changed. Start the voters that are missing or heal the network, then ask again",
    { group, waitedMs: rounded },
  );
}

export function readTimedOut(group: string, timeoutMs: number): Error {
  return coreErrors.ERR_TIMEOUT(
    `This member of group ${group} has not applied in ${timeoutMs} ms what a read must see; ` +
      "allow more time, or find out why its state machine is slow",
    { timeoutMs, target: `group ${group}` },
  );
}

type UnknownReason = Parameters<typeof coreErrors.ERR_OUTCOME_UNKNOWN>[1]["reason"];

const UNKNOWN = {
  "connection-lost": "this member received a snapshot that may include it",
  "deadline-exceeded": "no answer came in time",
  aborted: "it was given up after it had left",
  "process-ended": "this member was closed or failed",
} as const satisfies Record<UnknownReason, string>;

export function outcomeUnknown(group: string, reason: UnknownReason, cause?: unknown): Error {
  return coreErrors.ERR_OUTCOME_UNKNOWN(
    `Whether the request to group ${group} was or will be applied is not known: ` +
      `${UNKNOWN[reason]}. Read the state before asking again`,
    { reason, target: `group ${group}` },
    cause,
  );
}

export function aborted(group: string, cause: unknown): Error {
  return coreErrors.ERR_ABORTED(
    `The request to group ${group} was given up; nothing was changed`,
    { target: `group ${group}` },
    cause,
  );
}

export function groupClosed(group: string): Error {
  const message = `This member of group ${group} is closed: open it again`;
  return coreErrors.ERR_CLOSED(message, { what: `group ${group}` });
}

export function tooManyRequests(group: string, limit: number, unit: "messages" | "bytes"): Error {
  const what = unit === "messages" ? "requests" : "bytes of requests";
  return coreErrors.ERR_QUEUE_FULL(
    `More than ${limit} ${what} to group ${group} wait at this member; nothing was changed. Ask ` +
      "more slowly, or raise the group's limits",
    { queue: `group ${group}`, limit, unit },
  );
}

export function groupBusy(group: string, limit: number): Error {
  return coreErrors.ERR_QUEUE_FULL(
    `The leader of group ${group} has too much that is not committed; nothing was changed. Ask ` +
      "more slowly",
    { queue: `log of group ${group}`, limit, unit: "bytes" },
  );
}

export function badCommand(found: number, expected: string): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(
    `A command must have ${expected}, found ${found}; nothing was changed`,
    { argument: "data", expected, found: `${found} bytes` },
  );
}

export function refused(group: string, reason: string, detail: string): Error {
  return consensusErrors.ERR_GROUP_REFUSED(
    `Group ${group} refused the request (${reason}): ${detail}. Nothing was changed`,
    { group, reason, detail },
  );
}

/** The machine, the core or the application of an entry threw. */
export function memberFailed(group: string, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return consensusErrors.ERR_MEMBER_FAILED(
    `This member of group ${group} stopped, because going on could break what was promised: ` +
      `${reason}. The others go on; report this and start the member anew`,
    { group, reason },
    cause,
  );
}
