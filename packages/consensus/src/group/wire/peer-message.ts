/**
 * PeerMessage: what members of a group say to each other: the core's messages, and those of shells,
 * by which a member has the leader do what only a leader can.
 *
 * Who sent it and to whom is not in the bytes: the link knows that, by an authenticated connection.
 */
import type { NodeId } from "@foundation/core";
import type { MemberChange } from "../../protocol/raft/configuration.js";
import type { RaftMessage } from "../../protocol/raft/messages.js";

/**
 * A command for the leader of `term`: of any other term it is refused, so it cannot be taken later. It
 * is sent again while its fate is open, for it may have been lost on the way.
 */
export interface Forward {
  readonly type: "forward";
  readonly term: number;
  readonly sequence: number;
  /** How often it was sent before. */
  readonly repeats: number;
  /** No command of a lower number will be sent again. */
  readonly floor: number;
  /** Names the proposer's start, so that it knows its own command when it applies it. */
  readonly tag: Uint8Array;
  readonly data: Uint8Array;
}

/** For certain, the command of that number was not taken, unless it was sent once more since. */
export interface ForwardRefused {
  readonly type: "forward-refused";
  readonly sequence: number;
  readonly repeats: number;
  readonly isBusy: boolean;
}

/** What a leader is asked for beside commands. */
export type Errand =
  | { readonly type: "change"; readonly changes: readonly MemberChange[] }
  | { readonly type: "transfer"; readonly to?: NodeId };

export interface Ask {
  readonly type: "ask";
  readonly sequence: number;
  readonly errand: Errand;
}

export type ErrandResult =
  | { readonly type: "changed"; readonly index: number }
  | { readonly type: "transferred"; readonly to: NodeId }
  /** Ask the next leader. */
  | { readonly type: "not-leader" }
  | { readonly type: "refused"; readonly reason: string; readonly detail: string }
  | { readonly type: "unknown" };

export interface Answer {
  readonly type: "answer";
  readonly sequence: number;
  readonly result: ErrandResult;
}

export type ShellMessage = Forward | ForwardRefused | Ask | Answer;

export type PeerMessage =
  | { readonly kind: "raft"; readonly message: RaftMessage }
  | { readonly kind: "shell"; readonly message: ShellMessage };
