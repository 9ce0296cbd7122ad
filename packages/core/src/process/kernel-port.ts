/**
 * The kernel as its users see it: processes of this node, addressed by serial number.
 *
 * The registry package puts names, other nodes and placement on top; here everything is local, ordered and synchronous
 * to accept. One message at a time runs in a process; its mailbox is bounded; a DOWN comes after the last reply.
 */
import type { Boot, NodeId } from "../ids/node-id.js";
import type { TraceContext } from "../context/trace-context.js";
import type { FoundationError } from "../errors/foundation-error.js";
import type { ProcessDefinition } from "./definition.js";

/** One process of the cluster: serial numbers are never used twice in one boot. */
export interface Pid {
  readonly node: NodeId;
  readonly boot: Boot;
  readonly serial: number;
}

/**
 * Why a process ended. `normal`, `shutdown`, `name-conflict` and `migrated` are orderly, the others are not. `migrated`:
 * it goes on elsewhere, under another pid. `lease-lost`: it may no longer have any effect, so it was stopped at once.
 */
export type ExitReason =
  | { readonly type: "normal" }
  | { readonly type: "shutdown" }
  | { readonly type: "killed" }
  | { readonly type: "name-conflict" }
  | { readonly type: "migrated" }
  | { readonly type: "lease-lost" }
  | { readonly type: "linked"; readonly pid: Pid; readonly reason: ExitReason }
  | { readonly type: "node-down"; readonly node: NodeId }
  | { readonly type: "error"; readonly error: FoundationError };

/** A message for a process's mailbox. */
export type Delivery =
  | {
      readonly type: "call";
      readonly handler: string;
      readonly payload: unknown;
      readonly sender: Pid | NodeId | undefined;
      readonly trace: TraceContext | undefined;
      /** Clock.now after which nobody waits: the message is dropped unrun, with no reply. */
      readonly deadline: number | undefined;
      readonly signal: AbortSignal | undefined;
      /** True when nobody waits any more, where that is known without reading `signal`, which may have to be made. */
      readonly dropped?: boolean | undefined;
      /** Called once, when the handler begins: from then on nobody may say it did not run. */
      readonly started?: () => void;
      /** Called exactly once, unless the deadline passed before the handler began. */
      readonly reply: (outcome: CallOutcome) => void;
    }
  | {
      readonly type: "cast";
      readonly handler: string;
      readonly payload: unknown;
      readonly sender: Pid | NodeId | undefined;
      readonly trace: TraceContext | undefined;
    }
  | {
      readonly type: "info";
      readonly payload: unknown;
      readonly sender: Pid | NodeId | undefined;
      readonly trace: TraceContext | undefined;
    }
  | {
      /** For `resolveConflict` of the process that stays: the state of the other one that had its name. */
      readonly type: "conflict";
      readonly state: unknown;
      readonly sender?: undefined;
      readonly trace?: undefined;
    };

export type CallOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: FoundationError };

/** `accepted` is the mailbox's word, not the handler's. The others mean: not delivered, never will be. */
export type DeliveryOutcome = "accepted" | "no-process" | "mailbox-full" | "unknown-handler";

export interface SpawnOptions {
  /** For logs, errors and `list()`: the registered name, where there is one. */
  readonly label?: string;
  /** The process that starts it; with `link`, both end together. */
  readonly parent?: Pid;
  readonly link?: boolean;
  /** Gives the start up while `init` runs: spawn throws ERR_ABORTED, and the process ends killed. */
  readonly signal?: AbortSignal | undefined;
  /** The state to begin with instead of calling `init`; the process takes the object over, it is not copied. */
  readonly install?: ProcessSnapshot | undefined;
  /** Begins frozen: it takes messages and runs none until `thaw`. @default false */
  readonly passive?: boolean;
  /** The state must always be plain data: anything else is refused at the start. @default false */
  readonly movable?: boolean;
  /** Asked before each message and before each reply; what happens without it has no effect. @default none */
  readonly lease?: ProcessLease | undefined;
  /**
   * Keeps a snapshot; a promise is waited for. Where the definition says "each-message", the answer to a call waits for
   * it, and a failure ends the process: what it knows and what is kept must not part.
   */
  readonly onPersist?: ((snapshot: ProcessSnapshot) => void | Promise<void>) | undefined;
}

/** A state by itself, with the version of the definition that it is of. */
export interface ProcessSnapshot {
  readonly state: unknown;
  readonly version: number;
}

/** A process that is frozen: nothing of it runs, and messages wait. */
export interface FrozenProcess extends ProcessSnapshot {
  /** Messages that wait now; more may come. */
  readonly waiting: number;
}

/** The right to act, which may be lost at any time: of a process that runs at most once in the cluster. */
export interface ProcessLease {
  /** Higher for each later holder. */
  readonly token: number;
  /** Cheap and certain: asked for every message. */
  readonly isHeld: boolean;
}

/** Processes of one node. */
export interface Kernel {
  readonly node: NodeId;
  readonly boot: Boot;
  /**
   * Runs `init`, or takes the installed state, and resolves when it is done.
   * @throws {ERR_INIT_FAILED} @throws {ERR_CLOSED} @throws {ERR_ABORTED} @throws {ERR_QUEUE_FULL} processesMax
   * @throws {ERR_STATE_VERSION} the installed state is of another version, and the definition has no `upgrade`
   * @throws {ERR_NOT_ENCODABLE} the state of a movable process is not plain data; the message names the path
   */
  spawn(definition: ProcessDefinition, args: unknown, options?: SpawnOptions): Promise<Pid>;
  /** Puts a message into the mailbox of a process of this node. A stale boot is `no-process`. */
  deliver(to: Pid, message: Delivery): DeliveryOutcome;
  /** Asks a process to end; it finishes the message it is in, runs `terminate`, then ends. `killed` does not wait. */
  exit(pid: Pid, reason: ExitReason): void;
  /**
   * Calls `down` once when the process ends, never inside the call that ended it; when it has ended already, in a later
   * turn, with its reason while that is remembered, else with ERR_NO_PROCESS. Returns the way to stop.
   */
  monitor(pid: Pid, down: (reason: ExitReason) => void): () => void;
  /**
   * Ties two processes of this node: an unorderly end of one ends the other at once, `linked`. To be told and live on,
   * monitor instead. A process spawned with `link` is also told to shut down when its parent ends in order.
   * @throws {ERR_INVALID_ARGUMENT} when one is of another node.
   */
  link(a: Pid, b: Pid): () => void;
  /**
   * Resolves when the message in progress has ended and nothing of the process runs any more; messages go on being
   * taken. The state is a copy. When it throws, or the signal fires first, the process goes on as before.
   * @throws {ERR_NO_PROCESS} it ended. @throws {ERR_PROCESS_FROZEN} it is frozen already.
   * @throws {ERR_NOT_ENCODABLE} the state is not plain data. @throws {ERR_ABORTED}
   */
  freeze(pid: Pid, options?: { readonly signal?: AbortSignal | undefined }): Promise<FrozenProcess>;
  /** Lets a frozen or passive process go on; nothing for any other. */
  thaw(pid: Pid): void;
  /**
   * Ends a frozen process as `migrated`, without `terminate`, and gives every waiting message to `forward`, in order;
   * and every later one for the pid, while the kernel remembers it (`handOffsMax` processes).
   * @throws {ERR_NO_PROCESS} @throws {ERR_INVALID_ARGUMENT} it is not frozen
   */
  handOff(pid: Pid, forward: (message: Delivery) => void): void;
  /**
   * A copy of the state between two messages: that of a process in a message is taken when the message has ended.
   * @throws {ERR_NO_PROCESS} it ended. @throws {ERR_NOT_ENCODABLE}
   */
  snapshot(pid: Pid): Promise<ProcessSnapshot>;
  /** A running process of this node, or undefined when it has ended or never ran here. */
  find(pid: Pid): ProcessSummary | undefined;
  /** Running processes, for `info()`. */
  list(): readonly ProcessSummary[];
  /** Ends all in reverse order of their start, `shutdown`, then `killed` after the grace period. Idempotent. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

export interface ProcessSummary {
  readonly pid: Pid;
  readonly definition: string;
  readonly label: string | undefined;
  readonly mailboxLength: number;
  readonly startedAt: number;
}
