/**
 * LocalProcess: what the kernel keeps of one process.
 *
 * Phases: starting → idle ⇄ queued ⇄ running → terminating → ended. `queued` means it stands in
 * the turn queue; `running` means a handler has been entered and has not answered. At most one
 * handler, init or terminate is in progress at any time: `current`.
 */
import type { Logger } from "../ports/logger.js";
import type { ProcessDefinition } from "./definition.js";
import type { Duties } from "./duties.js";
import type { Delivery, ExitReason, Pid } from "./kernel-port.js";
import type { Activity } from "./message-context.js";
import { Mailbox } from "./protocol/mailbox.js";

export type Phase = "starting" | "idle" | "queued" | "running" | "terminating" | "ended";

/** Somebody who wants to know of the end. */
export interface Monitor {
  active: boolean;
  readonly down: (reason: ExitReason) => void;
}

export class LocalProcess {
  readonly pid: Pid;
  readonly definition: ProcessDefinition;
  readonly label: string | undefined;
  readonly startedAt: number;
  readonly mailbox: Mailbox<Delivery>;
  readonly monitors = new Set<Monitor>();
  phase: Phase = "starting";
  state: unknown = undefined;
  /** What runs now. */
  current: Activity | undefined = undefined;
  /** Set once it has been told to end: it takes no more messages. */
  exitReason: ExitReason | undefined = undefined;
  /** Whoever keeps it from running messages; undefined for one that may run. */
  hold: object | undefined = undefined;
  /** Called once nothing runs in it any more: without a reason while it lives, with it when it ended. */
  atRest: ((ended: ExitReason | undefined) => void)[] | undefined = undefined;
  /** The state as bytes while it hibernates; then `state` is undefined. */
  asleep: Uint8Array | undefined = undefined;
  /** What it is to do beside running messages; undefined when that is nothing. */
  duties: Duties | undefined = undefined;
  /** Settles the spawn while the phase is `starting`. */
  failStart: ((reason: ExitReason) => void) | undefined = undefined;
  /** Made when first asked for. */
  logger: Logger | undefined = undefined;

  constructor(
    pid: Pid,
    definition: ProcessDefinition,
    label: string | undefined,
    startedAt: number,
  ) {
    this.pid = pid;
    this.definition = definition;
    this.label = label;
    this.startedAt = startedAt;
    this.mailbox = new Mailbox(definition.mailbox.limit);
  }

  /** For people: `counter "orders" (7 on 3f2a…)`. */
  get title(): string {
    const label = this.label === undefined ? "" : ` "${this.label}"`;
    return `${this.definition.name}${label} (process ${this.pid.serial} on ${this.pid.node})`;
  }
}
