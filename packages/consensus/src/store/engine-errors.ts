/** Errors of the engines: what the replicated store refused, said to whoever asked. */
import { coreErrors } from "@foundation/core";
import { consensusErrors } from "../errors.js";
import type { StoreAnswer, StoreRefusal } from "../protocol/store/request.js";

/** The error for an answer that is not the one its request has. */
export function failureOf(answer: StoreAnswer): Error {
  if (answer.type === "refused") return refusalError(answer.refusal);
  return new Error(`the store answered a request with "${answer.type}", which belongs to another`);
}

/** The error for a refusal: nothing was changed. */
export function refusalError(refusal: StoreRefusal): Error {
  switch (refusal.reason) {
    case "invalid": {
      const { argument, expected, found } = refusal;
      const message = `${argument}: expected ${expected}, found ${found}; nothing was changed`;
      return coreErrors.ERR_INVALID_ARGUMENT(message, { argument, expected, found });
    }
    case "too-large": {
      const { what, size, limit, max } = refusal;
      return consensusErrors.ERR_REQUEST_TOO_LARGE(
        `${what}: ${size}, and ${limit} allows ${max}; nothing was changed. ` +
          "Ask for less at once, or raise the limit",
        { what, size, limit, max },
      );
    }
    case "full": {
      const { what, limit, max } = refusal;
      return consensusErrors.ERR_ENGINE_FULL(
        `The store takes no more ${what}: ${limit} allows ${max}. Delete what is not needed, or raise the limit`,
        { what, limit, max },
      );
    }
    case "lease-lost":
      return leaseLost(refusal.lease);
    case "compacted":
      return compactedError(refusal.revision, refusal.compactedRevision);
    case "malformed":
      return coreErrors.ERR_NOT_DECODABLE(
        `The store did not understand a command: ${refusal.problem}. Run the same version on every member`,
        { reason: refusal.problem },
      );
    default:
      return refusal satisfies never;
  }
}

export function leaseLost(lease: string): Error {
  return coreErrors.ERR_LEASE_LOST(
    `The lease "${lease}" is not there: it ran out, was revoked, or never was. Grant a new one`,
    { lease },
  );
}

export function compactedError(revision: number, compactedRevision: number): Error {
  return consensusErrors.ERR_REVISION_COMPACTED(
    `Revision ${revision} is forgotten: the store keeps those from ${compactedRevision} on. ` +
      "Read the newest state, and watch from the revision after it",
    { revision, compactedRevision },
  );
}

export function closedError(what: string): Error {
  return coreErrors.ERR_CLOSED(`${what} is closed and takes no more requests; open a new one`, {
    what,
  });
}

export function abortedError(target: string, cause: unknown): Error {
  return coreErrors.ERR_ABORTED(
    `${target} was aborted by the caller's signal before it had any effect`,
    { target },
    cause,
  );
}
