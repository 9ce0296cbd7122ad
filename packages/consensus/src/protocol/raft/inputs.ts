/**
 * What goes into a member's core and what comes out of it, as plain data.
 *
 * The shell carries out a batch in this order: hand `write` to the disk (writes in the order of
 * their numbers, each durable as a whole, several may share one fsync), send `messages`, apply
 * `committed`, then tell what was asked (`outcomes`, `reads`). Nothing in a batch waits for its own
 * write: what must, the core keeps until `persisted` names the write, and it comes out then. So a
 * leader's appends travel while its own disk is busy (thesis, section 10.2.1), and a member never
 * answers for what it could forget.
 *
 * A write is named by its number and not by (term, index): the same entry may be written, replaced
 * and written again, and the acknowledgement of the first would pass for that of the last.
 */
import type { NodeId } from "@foundation/core";
import type { Configuration, MemberChange } from "./configuration.js";
import type { Entry, HardState, SnapshotMeta } from "./entry.js";
import type { LogWrite } from "./log.js";
import type { RaftMessage } from "./messages.js";

/** A request of this node's application; the shell draws them, never the same one twice. */
export type RequestId = number;

export type RaftInput =
  /** First input. */
  | { readonly type: "start" }
  /** The time a batch asked for as `alarmAt` has come. */
  | { readonly type: "alarm" }
  /** Of a member whose identity was checked; `parseRaftMessage` made it. */
  | { readonly type: "message"; readonly message: RaftMessage }
  | { readonly type: "propose"; readonly id: RequestId; readonly data: Uint8Array }
  /** Asks for other members; answered like a proposal when the (first) entry is committed. */
  | {
      readonly type: "change";
      readonly id: RequestId;
      readonly changes: readonly MemberChange[];
      /** @default "when-needed" */
      readonly mode?: "when-needed" | "joint" | "joint-until-told";
    }
  /** Leaves a joint configuration that does not leave itself. */
  | { readonly type: "leave-joint"; readonly id: RequestId }
  /** Hands the leadership to a voter, by default to the one that has most. */
  | { readonly type: "transfer"; readonly id: RequestId; readonly to?: NodeId }
  /** Asks for an index such that a state machine that has applied it answers linearizably. */
  | { readonly type: "read"; readonly id: RequestId }
  /** This write and every one before it are durable. */
  | { readonly type: "persisted"; readonly write: number }
  /** The state machine has everything up to `index`. */
  | { readonly type: "applied"; readonly index: number }
  /**
   * The state machine's state as of `snapshot.index` (`Raft.snapshotIndex` or less) is durable. The
   * log up to `keepAfter` is forgotten: less than `snapshot.index`, so that followers a little behind
   * need no snapshot.
   */
  | {
      readonly type: "snapshot-taken";
      readonly snapshot: SnapshotMeta;
      readonly keepAfter: number;
    }
  /** The answer to a `ChunkRequest`. */
  | {
      readonly type: "snapshot-chunk";
      readonly to: NodeId;
      readonly id: string;
      readonly offset: number;
      readonly data: Uint8Array;
      readonly isLast: boolean;
    }
  /** The snapshot of a `ChunkRequest` is gone. */
  | { readonly type: "snapshot-unreadable"; readonly to: NodeId; readonly id: string }
  /** The link to a member broke: what was sent may be lost. */
  | { readonly type: "unreachable"; readonly peer: NodeId }
  /** By hand: campaign now, unless a leader is there. */
  | { readonly type: "campaign" };

/** Why a request had no effect, for certain. */
export type Refusal =
  /** Another member leads, or none; ask there. */
  | "not-leader"
  /** The leadership is being handed over; ask the next leader. */
  | "transferring"
  /** A limit is reached; ask later. */
  | "busy"
  | "too-large"
  /** Another change of members is not committed yet, or none may begin before the term's first entry. */
  | "change-pending"
  /** The change or the transfer makes no sense; `detail` says why. */
  | "invalid"
  /** Another entry was committed in its place. */
  | "superseded"
  /** The transfer took too long; this member leads on. */
  | "timeout";

/** The fate of a request: exactly one for each. */
export type Outcome =
  | {
      readonly type: "committed";
      readonly id: RequestId;
      readonly index: number;
      readonly term: number;
    }
  | {
      readonly type: "not-applied";
      readonly id: RequestId;
      readonly reason: Refusal;
      readonly detail?: string;
      readonly leader?: NodeId;
    }
  /** It may be committed, now or later, or never. */
  | { readonly type: "unknown"; readonly id: RequestId }
  | { readonly type: "transferred"; readonly id: RequestId; readonly to: NodeId };

export type ReadOutcome =
  /** The state machine has applied `index`, and reading it now is linearizable. */
  | { readonly type: "ready"; readonly id: RequestId; readonly index: number }
  | { readonly type: "refused"; readonly id: RequestId; readonly reason: "busy" | "timeout" };

/** One unit for the disk: all of it or, after a crash, nothing of it and of all after it. */
export interface Write {
  /** Rises by one. */
  readonly number: number;
  readonly hardState: HardState;
  /**
   * Replaces state machine and log by this snapshot, whose chunks were staged and must be durable
   * with it. Comes before `append`, and the state machine loads it before it applies anything more.
   */
  readonly install?: SnapshotMeta;
  readonly append?: LogWrite;
}

/** Bytes of a snapshot to keep aside; offset 0 begins a new one. */
export interface StagedChunk {
  readonly snapshot: SnapshotMeta;
  readonly offset: number;
  readonly data: Uint8Array;
  readonly isLast: boolean;
}

/** Asks the shell for bytes of a snapshot this member took or installed. */
export interface ChunkRequest {
  readonly to: NodeId;
  readonly snapshot: SnapshotMeta;
  readonly offset: number;
  readonly bytesMax: number;
}

export type Role = "follower" | "pre-candidate" | "candidate" | "leader";

export interface RaftStatus {
  readonly role: Role;
  readonly term: number;
  readonly leader: NodeId | undefined;
  readonly configuration: Configuration;
}

/** Something worth telling an operator. */
export type RaftNotice =
  | {
      readonly type: "stepped-down";
      readonly reason: "higher-term" | "no-quorum" | "disk-stalled" | "removed";
    }
  | { readonly type: "promoting"; readonly id: NodeId }
  /** A learner does not come near the log's end; it stays a learner and goes on trying. */
  | { readonly type: "learner-slow"; readonly id: NodeId; readonly rounds: number }
  | { readonly type: "transfer-abandoned"; readonly to: NodeId };

export type RaftCounter =
  | "election"
  | "pre-election"
  | "vote-ignored-lease"
  | "append-refused"
  | "snapshot-sent"
  | "snapshot-installed"
  | "read-round"
  | "read-lease"
  | "message-foreign-group"
  | "message-misdirected"
  | "message-not-held"
  | "message-stale";

export interface Batch {
  readonly write?: Write;
  readonly staged: readonly StagedChunk[];
  readonly messages: readonly RaftMessage[];
  /**
   * Entries to apply, in order, then to be reported by `applied`: more come only then. They are
   * durable on a quorum, which may not include this member's disk yet.
   */
  readonly committed: readonly Entry[];
  readonly outcomes: readonly Outcome[];
  readonly reads: readonly ReadOutcome[];
  readonly chunkRequests: readonly ChunkRequest[];
  /** Set the one alarm to this time (of the clock that `now` comes from), in place of an earlier one. */
  readonly alarmAt?: number;
  /** Role, term, leader or configuration changed. */
  readonly status?: RaftStatus;
  readonly notices: readonly RaftNotice[];
  readonly counts: readonly RaftCounter[];
}
