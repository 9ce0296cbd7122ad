/**
 * Group: a running member of one Raft group, as whoever stands on it sees it.
 *
 * Every request ends in one of three ways. It resolves: it was applied, here too. It rejects with an
 * error that says it was not applied, now or ever (`ERR_NO_QUORUM`, `ERR_QUEUE_FULL`, `ERR_ABORTED`,
 * …). Or it rejects with `ERR_OUTCOME_UNKNOWN`: it may have been applied, or may yet be, once at most.
 * While it is certain that nothing was applied and time is left, a request is tried again by itself.
 *
 * A proposal at a follower goes to the leader, and the *local* machine's response is what its caller
 * gets: every machine gives the same response at one index, so none travels, and whoever has been
 * answered finds what it wrote in the machine beside it.
 */
import type { Duration, NodeId } from "@foundation/core";
import type { Configuration, MemberChange } from "../protocol/raft/configuration.js";
import type { Role } from "../protocol/raft/inputs.js";

export interface GroupRequestOptions {
  /** Gives the request up; what has left already has an unknown outcome. */
  readonly signal?: AbortSignal | undefined;
  /** How long the caller waits. @default GROUP_TIMES.requestMs, 5 s */
  readonly timeout?: Duration | undefined;
}

export interface Proposed<Response> {
  /** The command's place in the log. */
  readonly index: number;
  /** What this member's machine answered there. */
  readonly response: Response;
}

export interface GroupStatus {
  readonly role: Role;
  readonly term: number;
  /** Who leads, as far as this member knows. */
  readonly leader: NodeId | undefined;
  readonly configuration: Configuration;
  /** What this member's machine holds. */
  readonly appliedIndex: number;
  /** The log time of the last command it applied, milliseconds. */
  readonly logTimeMs: number;
  /**
   * Why this member takes part no more: its disk takes no writes (`ERR_LOG_READ_ONLY`) or its machine
   * failed. The group goes on without it. Open it anew once the cause is mended.
   */
  readonly failure: Error | undefined;
}

export interface Group<Response> extends AsyncDisposable {
  /** The group's random id. */
  readonly id: string;
  /** This member. */
  readonly self: NodeId;

  /**
   * Has a command applied by every member's machine.
   *
   * @throws {ERR_NO_QUORUM} not applied: no leader with a quorum took it in time.
   * @throws {ERR_QUEUE_FULL} not applied: too many requests of this member wait.
   * @throws {ERR_INVALID_ARGUMENT} not applied: it is larger than `commandBytesMax`, or empty.
   * @throws {ERR_ABORTED} not applied.
   * @throws {ERR_CLOSED} not applied.
   * @throws {ERR_LOG_READ_ONLY} not applied: this member takes part no more.
   * @throws {ERR_OUTCOME_UNKNOWN} it may have been applied, or may yet be.
   */
  propose(data: Uint8Array, options?: GroupRequestOptions): Promise<Proposed<Response>>;

  /**
   * Resolves, with an index, when this member's machine holds everything that was acknowledged before
   * the call: reading it at once, in the same turn, is linearizable.
   *
   * @throws {ERR_NO_QUORUM} no leader with a quorum confirmed it in time.
   * @throws {ERR_TIMEOUT} it was confirmed, and this member's machine has not come so far.
   * @throws {ERR_QUEUE_FULL} @throws {ERR_ABORTED} @throws {ERR_CLOSED} @throws {ERR_LOG_READ_ONLY}
   */
  read(options?: GroupRequestOptions): Promise<number>;

  /**
   * Changes the members; resolves with the entry's index when the (first) new configuration is
   * committed. Learners that become voters do so later by themselves: watch the status.
   *
   * @throws {ERR_GROUP_REFUSED} not applied: the change makes no sense, or another one is under way.
   * @throws as `propose`
   */
  change(changes: readonly MemberChange[], options?: GroupRequestOptions): Promise<number>;

  /**
   * Hands the leadership over, by default to the voter that has most of the log; resolves with the
   * next leader.
   *
   * @throws {ERR_GROUP_REFUSED} it leads on: the target is no other voter, or did not take it in time.
   * @throws as `propose`
   */
  transfer(to?: NodeId, options?: GroupRequestOptions): Promise<NodeId>;

  /** What this member knows now. */
  status(): GroupStatus;

  /** The status now, then whenever role, term, leader, configuration or failure change. */
  watchStatus(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<GroupStatus>;

  /**
   * Takes part no more. What waits and has not left ends with `ERR_CLOSED`, the rest with
   * `ERR_OUTCOME_UNKNOWN`. Resolves when the log is closed. Idempotent.
   */
  close(): Promise<void>;
}
