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
  ERR_GROUP_REFUSED: error<{
    readonly group: string;
    readonly reason: string;
    readonly detail: string;
  }>({
    summary:
      "A consensus group refused a change of its members or of its leader; nothing was changed.",
    fix: "Ask for a change that its present members allow, or wait for the one that is under way.",
    retryable: true,
  }),
  ERR_MEMBER_FAILED: error<{ readonly group: string; readonly reason: string }>({
    summary: "A member of a consensus group stopped itself: its state machine or its core failed.",
    fix: "Report what the error names as its cause, then start the node anew.",
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
  ERR_LOCK_HELD: error<{ readonly lock: string; readonly holder: string; readonly token: number }>({
    summary: "A lock or permit was asked for without waiting, and another has it.",
    fix: "Wait for it (wait: true with a timeout), or do without.",
    retryable: true,
  }),
  ERR_LOCK_REENTRANT: error<{ readonly lock: string; readonly owner: string }>({
    summary:
      "An owner asked for a lock that it holds or waits for already: it would wait for itself.",
    fix: "Pass the lock you have to the code that needs it, or give each task an owner of its own.",
    retryable: false,
  }),
  ERR_TOKEN_STALE: error<{
    readonly resource: string;
    readonly token: number;
    readonly seen: number;
  }>({
    summary:
      "A request carried a fencing token older than one seen before: its sender lost the lock.",
    fix: "Stop what the lock protected; acquire it anew and begin from what is stored now.",
    retryable: false,
  }),
  ERR_LEADERSHIP_LOST: error<{
    readonly election: string;
    readonly token: number;
    readonly reason: "handed-over" | "lease-lost" | "removed" | "resigned";
  }>({
    summary: "A leadership has ended: details.reason says how.",
    fix: "Stop what only the leader may do; the campaign goes on unless it was resigned.",
    retryable: false,
  }),
  ERR_CONFIG_CONFLICT: error<{
    readonly path: readonly string[];
    readonly policy: string;
    readonly revision: number;
  }>({
    summary: "A setting of the cluster was changed by another since it was read.",
    fix: "Read it with getWithConsensus(), decide anew, and set it again; or choose another policy.",
    retryable: false,
  }),
  ERR_REQUEST_TOO_LARGE: error<{
    readonly what: string;
    readonly size: number;
    readonly limit: string;
    readonly max: number;
  }>({
    summary:
      "A key, a value, a transaction or the answer to a range is larger than a limit of the store.",
    fix: "Keep large data elsewhere and store a reference; ask for ranges with a limit, page by page.",
    retryable: false,
  }),
  ERR_ENGINE_FULL: error<{ readonly what: string; readonly limit: string; readonly max: number }>({
    summary: "The store holds as much as a limit of it allows; nothing was changed.",
    fix: "Delete what is not needed any more, or raise the limit the message names.",
    retryable: false,
  }),
  ERR_PACKAGE_REQUIRED: error<{ readonly package: string }>({
    summary: "An optional feature needs a package that is not installed.",
    fix: "Install the packages that the message names, in the versions of peerDependencies.",
    retryable: false,
  }),
  ERR_ENGINE_REFUSED: error<{ readonly engine: string; readonly reason: string }>({
    summary:
      "The store behind an engine refused a request for a reason of its own; nothing was changed.",
    fix: "Look at details.reason: most often the user's name, password or rights.",
    retryable: false,
  }),
  ERR_CLUSTER_FOREIGN: error<{
    readonly address: string;
    readonly expected: string;
    readonly found: string;
  }>({
    summary: "An endpoint answered that belongs to another cluster than the endpoints before it.",
    fix: "List endpoints of one cluster only; after its data was restored from a copy, start anew.",
    retryable: false,
  }),
  ERR_GROUP_UNDECIDED: error<{
    readonly group: string;
    readonly why: string;
    readonly waitedMs: number;
  }>({
    summary:
      "It is not known yet which consensus group a node belongs to; details.why says what is waited for.",
    fix: "Start the nodes that details.why names, or found the group; then ask again.",
    retryable: true,
  }),
  ERR_GROUP_STUCK: error<{ readonly group: string; readonly why: string }>({
    summary:
      "A node cannot take part in a consensus group until somebody does what details.why says.",
    fix: "Do what details.why says, and start the node again.",
    retryable: false,
  }),
  ERR_FOUNDING_REFUSED: error<{ readonly group: string; readonly reason: string }>({
    summary: "A list of first voters cannot found a consensus group, or not at this node.",
    fix: "Correct the list, or give the command where details.reason says.",
    retryable: false,
  }),
  ERR_RECOVERY_REFUSED: error<{ readonly folder: string; readonly reason: string }>({
    summary: "A consensus group that lost its quorum was not recovered; nothing was changed.",
    fix: "Read the plan, stop the nodes of the group, and confirm the newest plan.",
    retryable: false,
  }),
  ERR_NOBODY_ANSWERS: error<{ readonly directory: string; readonly reason: string }>({
    summary: "An operator asked the node of a data directory, and none answers there.",
    fix: "Start the node, name the data directory of one that may vote, and ask as the user it runs as.",
    retryable: true,
  }),
});
