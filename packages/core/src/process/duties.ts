/**
 * Duties: what the kernel does for a process beyond running its messages, where it was asked for any.
 *
 * Kept apart from the process, so that one which was asked for nothing pays one field for all of it, in
 * memory and in looking.
 */
import type { ProcessDefinition } from "./definition.js";
import type { Sleeper } from "./hibernation.js";
import type { RegularKeeper } from "./keeping.js";
import type { ExitReason, SpawnOptions } from "./kernel-port.js";
import type { LocalProcess } from "./local-process.js";
import { MailboxShares } from "./protocol/mailbox-shares.js";

/** Why a process ends that may no longer act. */
export const LEASE_LOST: ExitReason = { type: "lease-lost" };

export interface Duties {
  readonly lease: SpawnOptions["lease"];
  readonly onPersist: SpawnOptions["onPersist"];
  /** Answers wait until the state is kept. */
  readonly keepsEach: boolean;
  readonly keeper: RegularKeeper | undefined;
  readonly sleeper: Sleeper | undefined;
  /** Messages waiting by handler, where there are shares of the mailbox. */
  readonly waiting: MailboxShares | undefined;
}

/** Makes what needs the time. */
export interface DutyMakers {
  keeper(process: LocalProcess, everyMs: number): RegularKeeper;
  sleeper(process: LocalProcess, afterMs: number): Sleeper;
}

/** What the definition and the start ask for; undefined when that is nothing. */
export function dutiesOf(
  process: LocalProcess,
  { lease, onPersist }: SpawnOptions,
  make: DutyMakers,
): Duties | undefined {
  const { hibernateAfterMs, mailbox, persist }: ProcessDefinition = process.definition;
  const isPlain = hibernateAfterMs === undefined && mailbox.handlers === undefined;
  if (isPlain && lease === undefined && onPersist === undefined) return undefined;
  const everyMs = typeof persist === "object" && onPersist ? persist.everyMs : undefined;
  return {
    lease,
    onPersist,
    keepsEach: persist === "each-message" && onPersist !== undefined,
    keeper: everyMs === undefined ? undefined : make.keeper(process, everyMs),
    sleeper: hibernateAfterMs === undefined ? undefined : make.sleeper(process, hibernateAfterMs),
    waiting: mailbox.handlers === undefined ? undefined : new MailboxShares(mailbox.handlers),
  };
}

/** Whether it had the right to act, and has it no more. */
export function hasLostLease({ duties }: LocalProcess): boolean {
  return duties !== undefined && duties.lease?.isHeld === false;
}
