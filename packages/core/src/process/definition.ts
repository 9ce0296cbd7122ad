/**
 * ProcessDefinition: what a process is, under one name on every node.
 *
 * Closures cannot cross a wire, so what runs remotely is found by its name in the catalogue of definitions that
 * `defineProcess` fills. State is plain data kept apart from code, so that it can be snapshotted and handed over.
 */
import type { NodeId } from "../ids/node-id.js";
import type { TraceContext } from "../context/trace-context.js";
import type { Logger } from "../ports/logger.js";
import type { ExitReason, Pid } from "./kernel-port.js";

/** What a handler gets beside its payload. */
export interface ProcessContext<State> {
  /** The state itself: change it in place, or replace it by `setState`. */
  readonly state: State;
  setState(next: State): void;
  readonly self: Pid;
  /** Who sent the message: a process, or a node when it was sent from outside any process. */
  readonly sender: Pid | NodeId | undefined;
  /** Fires when the caller gave up, or the process is told to end. */
  readonly signal: AbortSignal;
  readonly trace: TraceContext | undefined;
  readonly logger: Logger;
  /** The fencing token of a process with a lease: carried outward, so that receivers can refuse an older one. */
  readonly token: number | undefined;
  /**
   * Keeps the state as it is now, so that a restart goes on from here; resolves when it is kept.
   * @throws {ERR_INVALID_ARGUMENT} nothing keeps snapshots of this process. @throws {ERR_NOT_ENCODABLE}
   */
  persist(): Promise<void>;
}

/** What `init` gets beside its arguments. */
export interface InitContext {
  readonly self: Pid;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

/** Handlers take the context and at most one payload. */
// oxlint-disable-next-line typescript/no-explicit-any -- inference of payloads needs a bivariant parameter
export type AnyHandler = (context: any, payload: any) => unknown;
export type HandlerMap = Readonly<Record<string, AnyHandler>>;

export interface MailboxOptions {
  /** Messages waiting at most. @default 10_000 */
  readonly limit?: number;
  /** What happens to a message for a full mailbox: refuse it, or drop the oldest cast or info. @default "refuse" */
  readonly overflow?: "refuse" | "drop-oldest";
  /**
   * Messages that may wait for one handler, by its name: a share of `limit`, so that one kind of message cannot keep
   * all others out. Beyond it the message is refused, whatever `overflow` says. @default no share
   */
  readonly handlers?: Readonly<Record<string, number>>;
}

/** `MailboxOptions`, complete. */
export interface MailboxRules {
  readonly limit: number;
  readonly overflow: "refuse" | "drop-oldest";
  readonly handlers: Readonly<Record<string, number>> | undefined;
}

/** When the state is kept: when the process says so, after each message, or at most so long after a change. */
export type PersistRule = "manual" | "each-message" | { readonly everyMs: number };

/** A definition with its types erased: what the kernel and the catalogue work with. */
export interface ProcessDefinition {
  readonly name: string;
  readonly version: number;
  readonly init: (args: never, context: InitContext) => unknown;
  readonly call: HandlerMap;
  readonly cast: HandlerMap;
  readonly info: AnyHandler | undefined;
  readonly terminate: ((context: never, reason: ExitReason) => unknown) | undefined;
  /** Brings a state of another version to this one. */
  readonly upgrade: ((oldState: unknown, fromVersion: number) => unknown) | undefined;
  /** Runs as a message in the process that stays, with the state of the one that goes. */
  readonly resolveConflict: AnyHandler | undefined;
  readonly persist: PersistRule | undefined;
  /** After so long without a message the state is kept as bytes until the next. */
  readonly hibernateAfterMs: number | undefined;
  readonly mailbox: MailboxRules;
}
