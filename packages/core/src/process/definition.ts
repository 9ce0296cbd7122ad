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
}

/** A definition with its types erased: what the kernel and the catalogue work with. */
export interface ProcessDefinition {
  readonly name: string;
  readonly version: number;
  readonly init: (args: never, context: InitContext) => unknown;
  readonly call: HandlerMap;
  readonly cast: HandlerMap;
  readonly info: AnyHandler | undefined;
  readonly terminate: ((context: never, reason: ExitReason) => unknown) | undefined;
  readonly mailbox: Required<MailboxOptions>;
}
