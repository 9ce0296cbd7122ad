/**
 * Commands: what a world tells one of its nodes, and what it is told. Plain data, since it may cross a process.
 *
 * Replies by command stand at `Agent.handle`; `controlOf` gives them their types.
 */
import type { MemberStatus } from "@foundation/core";
import type { LinkStats } from "@foundation/overlay";
import type { WorldChannel } from "./channel-agent.js";

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
  | ({ readonly type: "send" } & ChannelSend)
  | { readonly type: "got"; readonly channel: WorldChannel }
  | { readonly type: "hold"; readonly channel: WorldChannel; readonly isHeld: boolean }
  | { readonly type: "stream"; readonly to: string; readonly bytes: number }
  | { readonly type: "links" }
  | { readonly type: "secrets"; readonly secrets: readonly string[] }
  | { readonly type: "leave" };

/** Numbered messages to one node, turn by turn with each of the keys. */
export interface ChannelSend {
  /** The node's name. */
  readonly to: string;
  readonly channel: WorldChannel;
  readonly count: number;
  readonly keys: number;
  /** Of each. */
  readonly bytes: number;
  readonly everyMs: number;
  /** By `trySend`. */
  readonly isOffer: boolean;
}

/** How one message ended for its sender: "ok", or the code of the error, or what `trySend` said. */
export interface SendResult {
  readonly id: string;
  readonly key: string;
  readonly code: string;
}

/** One message as its handler got it. */
export interface GotMessage {
  readonly id: string;
  readonly sender: string;
  readonly key: string;
  readonly sequence: number;
  /** The end of its sender had been told before. */
  readonly isAfterEnd: boolean;
}

export interface StreamResult {
  readonly code: string;
  /** What the reader gave back: how much it read, and a sum of it. */
  readonly read: unknown;
  readonly expected: { readonly bytes: number; readonly sum: number };
}

export type LinkRow = LinkStats;

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
