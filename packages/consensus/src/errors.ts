/** Every error code of @foundation/consensus. docs/errors.md is generated from here. */
import { defineErrors, error } from "@foundation/core";

export const consensusErrors = defineErrors({
  ERR_LOG_DAMAGED: error<{
    readonly file: string;
    readonly offset: number;
    readonly reason: string;
  }>({
    summary: "The durable log of a consensus group has damage that cannot be the end of a crash.",
    fix: "Restore the node's data directory from a copy, or empty it and let the node join anew.",
    retryable: false,
  }),
  ERR_LOG_FORMAT: error<{
    readonly file: string;
    readonly found: number;
    readonly supported: number;
  }>({
    summary: "A file of a durable log was written by a newer version of Foundation.",
    fix: "Start the version that wrote it, or a newer one; nothing was changed.",
    retryable: false,
  }),
  ERR_LOG_FOREIGN: error<{
    readonly file: string;
    readonly expected: string;
    readonly found: string;
  }>({
    summary: "A file of a durable log belongs to another consensus group.",
    fix: "Give each group a data directory of its own, and do not copy files between them.",
    retryable: false,
  }),
  ERR_LOG_READ_ONLY: error<{ readonly group: string; readonly reason: string }>({
    summary: "A write to the durable log failed, so the log takes no more until it is read again.",
    fix: "Make room on the disk or replace it, then restart the node or call retry().",
    retryable: false,
  }),
  ERR_LOG_COMPACTED: error<{ readonly index: number; readonly firstIndex: number }>({
    summary: "An entry of the log was asked for that a snapshot has replaced.",
    fix: "Read the snapshot, and entries from the first index on.",
    retryable: false,
  }),
  ERR_LEASE_LOST: error<{ readonly lease: string }>({
    summary: "A lease ran out, was revoked, or never was: what was attached to it is deleted.",
    fix: "Treat what the lease protected as lost, and acquire it anew under a new lease.",
    retryable: false,
  }),
  ERR_NO_QUORUM: error<{ readonly group: string; readonly waitedMs: number }>({
    summary: "No leader with a quorum of the group's voters could be reached; nothing was changed.",
    fix: "Start the voters that are missing or heal the network; then ask again.",
    retryable: true,
  }),
  ERR_REVISION_COMPACTED: error<{
    readonly revision: number;
    readonly compactedRevision: number;
  }>({
    summary: "A past revision of the store was asked for that has been compacted away.",
    fix: "Read the newest state, and watch from the revision after it.",
    retryable: false,
  }),
});
