/** Every error code of @foundation/crdt. docs/errors.md is generated from here. */
import { defineErrors, error } from "@foundation/core";

export const crdtErrors = defineErrors({
  ERR_RIGHTS_EXHAUSTED: error<{
    readonly counter: string;
    readonly wanted: number;
    readonly rights: number;
  }>({
    summary:
      "A bounded counter was to be decremented further than this node has rights; nothing was written.",
    fix: "Have a node with rights hand some over with transfer, or decrement there.",
    retryable: true,
  }),
  ERR_STORE_FULL: error<{ readonly store: string; readonly limit: number }>({
    summary: "A replicated store has as many entries as its limit allows; nothing was written.",
    fix: "Delete entries, raise limits.entriesMax, or split the data over several stores.",
    retryable: false,
  }),
  ERR_VALUE_TOO_LARGE: error<{
    readonly store: string;
    readonly key: string;
    readonly sizeBytes: number;
    readonly limitBytes: number;
  }>({
    summary: "A value is too large for replicated state; nothing was written.",
    fix: "Keep large data elsewhere and replicate a reference, or raise limits.valueBytesMax.",
    retryable: false,
  }),
  ERR_AUTOMERGE_MISSING: error<{ readonly reason: string }>({
    summary: "A document was opened, and the package @automerge/automerge is not installed.",
    fix: "npm install @automerge/automerge; it is an optional peer, because it is large.",
    retryable: false,
  }),
  ERR_DOCUMENT_DAMAGED: error<{ readonly document: string; readonly reason: string }>({
    summary: "A document's file, or bytes to merge into it, are not Automerge's.",
    fix: "Restore the file the message names, or move it away: other nodes bring back what they have.",
    retryable: false,
  }),
});
