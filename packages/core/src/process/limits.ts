/**
 * Limits of processes: every queue, batch and wait of the kernel and the supervisor, by name.
 */

/** Defaults and ceilings; `createKernel({ limits })` overrides those of `KernelLimits`. */
export const processLimits = {
  /** Longest name of a definition: names travel with every start. */
  nameBytesMax: 255,
  /** Messages waiting in a mailbox unless the definition says otherwise; then `overflow` rules. */
  mailboxMessages: 10_000,
  /** Highest `mailbox.limit` a definition may ask for: a mailbox is memory, not storage. */
  mailboxMessagesMax: 10_000_000,
  /** Running processes of one kernel; `spawn` beyond it is refused with ERR_QUEUE_FULL. */
  processesMax: 1_000_000,
  /** Messages one process handles before the next process that has messages gets its chance. */
  batchMessagesMax: 64,
  /** Messages all processes handle before the event loop gets a turn for I/O and timers. */
  turnMessagesMax: 1_024,
  /** Time all processes spend in handlers before the event loop gets a turn. */
  turnMsMax: 10,
  /** Time `terminate` has; then the process ends without it. */
  terminateMsMax: 5_000,
  /** Time `Kernel.close` gives all processes together before it kills the rest. */
  closeGraceMs: 5_000,
  /** Exit reasons remembered of ended processes, for monitors and links that come late. */
  endedReasonsMax: 1_024,
  /** Ended processes whose later messages are given to where they went; the oldest is forgotten first. */
  handOffsMax: 10_000,
  /** Shortest `hibernateAfter` and `persist: { every }`. */
  intervalMsMin: 10,
  /** A handler that keeps the event loop longer, without an await, is reported. */
  blockedMsMax: 50,
  /** Time between two reports of handlers that kept the event loop; those in between are counted. */
  blockedReportMs: 10_000,
  /** Time a call may take unless the caller says otherwise. */
  callTimeoutMs: 5_000,
  /** Time a supervised child has to end when it is stopped; then it is killed. */
  shutdownMs: 5_000,
  /** Children of one supervisor. */
  supervisorChildrenMax: 100_000,
  /** Highest `maxRestarts`: each restart within the window is remembered. */
  supervisorRestartsMax: 10_000,
  /** Definitions in the catalogue of one operating-system process. */
  definitionsMax: 10_000,
} as const;

/** The limits a kernel takes. */
export interface KernelLimits {
  readonly processesMax: number;
  readonly batchMessagesMax: number;
  readonly turnMessagesMax: number;
  readonly turnMsMax: number;
  readonly terminateMsMax: number;
  readonly closeGraceMs: number;
  readonly endedReasonsMax: number;
  readonly handOffsMax: number;
  readonly blockedMsMax: number;
  readonly blockedReportMs: number;
}
