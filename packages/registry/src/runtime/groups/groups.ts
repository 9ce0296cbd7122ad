/** The face of groups: what `registry.groups` is. */
import type { NodeId, Pid } from "@foundation/core";
import type { ClusterRef } from "../calls/process-reference.js";
import type { OperationOptions } from "../supervision/start-options.js";

/** A process in a group, as this node knows it. */
export interface GroupMember {
  readonly group: string;
  readonly pid: Pid;
  readonly node: NodeId;
  /** The name by which it is a member wherever it runs; undefined for a process that is only itself. */
  readonly name: string | undefined;
  /** Whatever was given when it joined: plain data. */
  readonly meta: unknown;
  /** Calls a handler; a named member is looked up again, should it run elsewhere by then. */
  call(handler: string, payload?: unknown, options?: OperationOptions): Promise<unknown>;
  /** As `cast` of a reference: at most once. */
  cast(handler: string, payload?: unknown): void;
  /** Sends a message to its `info` handler: at most once. */
  send(payload: unknown): void;
}

/** What one member answered. */
export type GroupReply =
  | { readonly member: GroupMember; readonly ok: true; readonly value: unknown }
  | { readonly member: GroupMember; readonly ok: false; readonly error: unknown };

/** A change of a group, as this node learns it. */
export type GroupEvent =
  | { readonly type: "joined"; readonly member: GroupMember }
  /** The same member runs elsewhere now, or joined again with other metadata. */
  | { readonly type: "changed"; readonly member: GroupMember; readonly previous: GroupMember }
  | { readonly type: "left"; readonly member: GroupMember };

/** Options of `join`. */
export interface JoinOptions extends OperationOptions {
  /** Kept beside the membership: plain data. */
  readonly meta?: unknown;
}

/**
 * Groups of processes, anywhere in the cluster.
 *
 * A member is one once: to join again changes its metadata, and one `leave` ends it. A process leaves its groups when it
 * ends. A child of the distributed supervisor is a member by its identity: it stays one through crashes, takeovers and
 * migrations, is not shown while it runs nowhere, and leaves for good when it is stopped.
 */
export interface Groups {
  /**
   * Makes a process a member. For a process of this node, or a distributed child, it is one when `join` returns; for
   * another, when the promise resolves, which is after this node's `members` shows it.
   * @throws {ERR_NAME_INVALID} the group's name. @throws {ERR_NO_PROCESS} @throws {ERR_GROUP_FULL}
   * @throws {ERR_NOT_ENCODABLE} @throws {ERR_TIMEOUT} @throws {ERR_OUTCOME_UNKNOWN} @throws {ERR_CLOSED}
   */
  join(group: string, member: ClusterRef | Pid, options?: JoinOptions): Promise<void>;
  /** Ends a membership; false when there was none. @throws as `join` */
  leave(group: string, member: ClusterRef | Pid, options?: OperationOptions): Promise<boolean>;
  /** Who is in the group and runs, as this node knows it. */
  members(group: string): readonly GroupMember[];
  /** Those of them that run on this node. */
  localMembers(group: string): readonly GroupMember[];
  /** Groups with a member that runs, in order. */
  groups(): readonly string[];
  /** The groups of one process, in order. */
  which(member: ClusterRef | Pid): readonly string[];
  /**
   * Sends a message to the `info` handler of every member: at most once each, one message to each node. Gives how many
   * members it was addressed to. @throws {ERR_NOT_ENCODABLE} @throws {ERR_CLOSED}
   */
  publish(group: string, message: unknown): number;
  /** As `publish`, to a cast handler. */
  cast(group: string, handler: string, payload?: unknown): number;
  /**
   * Calls a handler of every member at once and gives what became of each, in the order of `members`. A member whose
   * node dies is ERR_OUTCOME_UNKNOWN or ERR_NODE_UNREACHABLE at once; nothing waits for the timeout but who is silent.
   * @throws {ERR_CLOSED}
   */
  multiCall(
    group: string,
    handler: string,
    payload?: unknown,
    options?: OperationOptions,
  ): Promise<readonly GroupReply[]>;
  /** First the present members as `joined`, then every change this node learns of. */
  watch(
    group: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): AsyncIterableIterator<GroupEvent>;
}
