/**
 * Commands: what a world tells one of its nodes, and what it is told. Plain data, since it may cross a process.
 *
 * Replies by command stand at `Agent.handle`; `controlOf` gives them their types.
 */
import type { MemberStatus } from "@foundation/core";

export type Command =
  | { readonly type: "members" }
  | { readonly type: "events" }
  | { readonly type: "call"; readonly name: string; readonly timeoutMs: number }
  | { readonly type: "start-process"; readonly name: string }
  | { readonly type: "lookup"; readonly name: string }
  | { readonly type: "who"; readonly name: string }
  | { readonly type: "publish" }
  | { readonly type: "received" }
  | { readonly type: "work"; readonly names: readonly string[]; readonly everyMs: number }
  | { readonly type: "rest" }
  | { readonly type: "outcomes" }
  | { readonly type: "advice" }
  | { readonly type: "processes" }
  | { readonly type: "leave" };

/** A member as a node lists it. */
export interface MemberRow {
  readonly name: string;
  readonly id: string;
  readonly boot: string;
  readonly address: string;
  readonly status: MemberStatus;
}

/** A membership event as a node heard it. */
export interface Heard {
  readonly type: string;
  readonly name: string;
  readonly boot: string;
}

/** How a call ended for its caller, in the shape the checks of the simulation take. */
export interface Outcome {
  readonly id: string;
  /** "ok", or the code of the error. */
  readonly code: string;
  readonly retryable: boolean;
  readonly message: string;
}
