/** The errors of a durable log: which file, where, what is wrong, what to do. */
import { coreErrors } from "@foundation/core";
import { consensusErrors } from "../errors.js";

/** The log must not be used. */
export function damaged(file: string, offset: number, reason: string): Error {
  return consensusErrors.ERR_LOG_DAMAGED(
    `"${file}" is damaged at byte ${offset}: ${reason}. What was acknowledged may be lost, so the ` +
      "log is not used: restore the folder from a copy of the same member, or empty the node's " +
      "whole data directory, so that it joins its group anew under a new id",
    { file, offset, reason },
  );
}

/** A write failed. */
export function readOnly(group: string, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return consensusErrors.ERR_LOG_READ_ONLY(
    `The log of group ${group} takes no more writes, because one failed: ${reason}. Make room on ` +
      "the disk or replace it, then restart the node or call retry()",
    { group, reason },
    cause,
  );
}

export function compacted(index: number, firstIndex: number): Error {
  return consensusErrors.ERR_LOG_COMPACTED(
    `Entry ${index} is compacted away, the first one is ${firstIndex}: read the snapshot`,
    { index, firstIndex },
  );
}

export function tooMuch(limit: number): Error {
  return coreErrors.ERR_QUEUE_FULL(
    `More than ${limit} bytes wait for the disk: append more slowly, or raise pendingBytesMax`,
    { queue: "durable log", limit, unit: "bytes" },
  );
}

export function tooLarge(sizeBytes: number, limit: number): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(
    `An entry of ${sizeBytes} bytes is larger than entryBytesMax, ${limit}`,
    { argument: "entries", expected: `at most ${limit} bytes`, found: `${sizeBytes} bytes` },
  );
}

export function closed(): Error {
  return coreErrors.ERR_CLOSED("The log is closed: open it again", { what: "durable log" });
}

export function snapshotClosed(why: string): Error {
  const message = `The snapshot cannot be used any more (${why}): begin or open it again`;
  return coreErrors.ERR_CLOSED(message, { what: "snapshot" });
}
