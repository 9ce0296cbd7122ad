/**
 * recoverGroup: goes on with what is left of a group whose quorum is lost for good. Offline: no node of the group
 * runs.
 *
 * Nothing is done without the confirmation of a plan, and that of another state of the disk or of other nodes does
 * not count. The new group's log is written beside the old one, which stays; the record that names the group is
 * replaced last and at once, so a crash before it leaves the old group as it was. See `protocol/recovery-plan.ts`.
 */
import { createHash } from "node:crypto";
import type { NodeId } from "@foundation/core";
import type { Random, Storage } from "@foundation/core/ports";
import type { Configuration } from "../protocol/raft/configuration.js";
import type { SnapshotMeta } from "../protocol/raft/entry.js";
import { RAFT_LIMITS } from "../limits.js";
import { openDurableLog, type DurableLog } from "../storage/durable-log.js";
import { FOUNDING_LIMITS } from "./limits.js";
import { recoveryRefused } from "./membership-errors.js";
import { isFormed, type MembershipRecord } from "./protocol/membership-record.js";
import {
  planOf,
  recoveredConfiguration,
  type OtherLog,
  type RecoveryFacts,
  type RecoveryPlan,
} from "./protocol/recovery-plan.js";
import { checkedName, hasLog, logFolder, readRecord, writeRecord } from "./record-file.js";

export interface PlanRecoveryOptions {
  /** The node's disk. No other process may have it. */
  readonly storage: Storage;
  /** What the application calls the group. */
  readonly name: string;
  /** Members that are left and will be of the new group, this node among them. */
  readonly keep: readonly NodeId[];
  /** What the plans of the other kept voters say of their logs. @default none */
  readonly others?: readonly OtherLog[] | undefined;
}

export interface ConfirmedPlan extends RecoveryPlan {
  /** What `recoverGroup` wants to be told: it stands for this disk as it is, and for these nodes. */
  readonly confirmation: string;
}

/**
 * Reads the disk, and says what a recovery would do and what may be lost. Changes nothing but what every start does.
 *
 * @throws {ERR_RECOVERY_REFUSED} when there is nothing to recover, or not here
 * @throws {ERR_LOG_DAMAGED} {ERR_LOG_FORMAT} {ERR_STORAGE} as `openDurableLog`
 *
 * @example
 * ```ts
 * import { planRecovery, recoverGroup } from "@foundation/consensus"
 * import { loadIdentity, nodeRandom, nodeRuntime, openDataDirectory } from "@foundation/core"
 *
 * export async function recover(directory: string, isSure: (words: readonly string[]) => boolean): Promise<void> {
 *   const storage = await openDataDirectory(directory)
 *   const { id } = await loadIdentity(nodeRuntime({ storage }))
 *   const plan = await planRecovery({ storage, name: "orders", keep: [id] })
 *   if (!isSure(plan.words)) return
 *   await recoverGroup({ storage, name: "orders", keep: [id], confirm: plan.confirmation, random: nodeRandom() })
 *   await storage.close()
 * }
 * ```
 */
export async function planRecovery(options: PlanRecoveryOptions): Promise<ConfirmedPlan> {
  const { log, plan } = await opened(options);
  await log.close();
  return plan;
}

/** What a recovery made. */
export interface RecoveredGroup {
  /** The new group's random id. */
  readonly group: string;
  /** The folder of the old log, which nobody reads any more. */
  readonly oldFolder: string;
}

/**
 * Makes a new group of what this disk holds, with this node as its only voter. Start the node afterwards: it finds
 * the new group on its disk. Other kept nodes call `joinRecovered` first; all others must begin with empty disks.
 *
 * @throws {ERR_RECOVERY_REFUSED} without the plan's confirmation; nothing was changed
 * @throws as `planRecovery`
 */
export async function recoverGroup(
  options: PlanRecoveryOptions & {
    /** `ConfirmedPlan.confirmation`. */
    readonly confirm: string;
    readonly random: Random;
  },
): Promise<RecoveredGroup> {
  const { storage, random, confirm } = options;
  const { log, plan, record } = await opened(options);
  try {
    if (confirm !== plan.confirmation) {
      const reason = `"${confirm}" does not confirm the plan for this disk and these nodes; read it and confirm it`;
      throw recoveryRefused(logFolder(record.group), reason);
    }
    const group = `${record.name}-${Buffer.from(random.secret(8)).toString("hex")}`;
    await copy(log, storage, group, plan);
    const past = pastOf(record);
    await writeRecord(storage, {
      ...record,
      phase: "begun",
      by: "voters",
      group,
      voters: [],
      past,
    });
    return { group, oldFolder: logFolder(record.group) };
  } finally {
    await log.close();
  }
}

/**
 * Has another kept node give up its log and join the recovered group, when it starts, as a newcomer with its old id.
 *
 * @param options.into the new group's id, as `recoverGroup` gave it
 * @param options.confirm the id of the group whose log is given up
 * @throws {ERR_RECOVERY_REFUSED} nothing was changed
 */
export async function joinRecovered(options: {
  readonly storage: Storage;
  readonly name: string;
  readonly into: string;
  readonly confirm: string;
}): Promise<void> {
  const { storage, into, confirm } = options;
  const record = await recordOf(storage, options.name);
  const folder = logFolder(record.group);
  if (record.group === into)
    throw recoveryRefused(folder, "the disk belongs to that group already");
  if (record.group !== confirm) {
    const reason = `its log is given up; confirm that by the id of its group, ${record.group}`;
    throw recoveryRefused(folder, reason);
  }
  if (await hasLog(storage, into)) {
    throw recoveryRefused(folder, `there is a log of ${into} on this disk`);
  }
  const past = pastOf(record);
  const joining = { phase: "joining", by: "voters", group: into, voters: [], past } as const;
  await writeRecord(storage, { ...record, ...joining });
}

async function opened(options: PlanRecoveryOptions): Promise<{
  readonly log: DurableLog;
  readonly plan: ConfirmedPlan;
  readonly record: MembershipRecord;
}> {
  const { storage, keep, others = [] } = options;
  const record = await recordOf(storage, options.name);
  const folder = logFolder(record.group);
  if (!(await hasLog(storage, record.group))) throw recoveryRefused(folder, "there is no log");
  const log = await openDurableLog({ storage, folder, group: record.group });
  try {
    const facts = await factsOf(log, record);
    const plan = planOf(facts, keep, others);
    if (typeof plan === "string") throw recoveryRefused(folder, plan);
    return { log, record, plan: { ...plan, confirmation: confirmationOf(plan) } };
  } catch (error) {
    await log.close();
    throw error;
  }
}

async function recordOf(storage: Storage, name: string): Promise<MembershipRecord> {
  const record = await readRecord(storage, checkedName(name));
  if (!record)
    throw recoveryRefused(`groups/${name}`, "this disk belongs to no group of that name");
  if (isFormed(record)) return record;
  const reason =
    "it was never founded, so there is nothing in it: empty the data directories and start anew";
  throw recoveryRefused(logFolder(record.group), reason);
}

async function factsOf(log: DurableLog, record: MembershipRecord): Promise<RecoveryFacts> {
  const { name, group, node } = record;
  const { hardState, lastIndex, snapshot } = log;
  let configuration: Configuration | undefined = snapshot?.configuration;
  for (let from = log.firstIndex; from <= lastIndex; ) {
    const entries = await log.read(from);
    const last = entries.at(-1);
    if (!last) break;
    for (const entry of entries) {
      if (entry.type === "configuration") configuration = entry.configuration;
    }
    from = last.index + 1;
  }
  if (!configuration) {
    const reason = "its log has no entry yet, so this node was never told who the members are";
    throw recoveryRefused(logFolder(group), reason);
  }
  return {
    name,
    group,
    node,
    term: hardState.term,
    lastTerm: log.termAt(lastIndex) ?? 0,
    lastIndex,
    commit: hardState.commit,
    snapshotIndex: snapshot?.index ?? 0,
    configuration,
  };
}

/** The new log: the snapshot, the entries, and behind them the new configuration, all of it committed. */
async function copy(
  from: DurableLog,
  storage: Storage,
  group: string,
  plan: RecoveryPlan,
): Promise<void> {
  const to = await openDurableLog({ storage, folder: logFolder(group), group });
  try {
    const term = Math.max(plan.term, plan.lastTerm) + 1;
    await copySnapshot(from, to, term);
    const { commit } = to.hardState;
    await to.append({ hardState: { term, vote: undefined, commit } });
    const lastIndex = from.lastIndex;
    for (let index = to.lastIndex + 1; index <= lastIndex; index = to.lastIndex + 1) {
      const entries = await from.read(index);
      await to.append({ entries });
    }
    const index = lastIndex + 1;
    const configuration = recoveredConfiguration(plan);
    await to.append({
      hardState: { term, vote: undefined, commit: index },
      entries: [{ type: "configuration", index, term, configuration }],
    });
  } finally {
    await to.close();
  }
}

async function copySnapshot(from: DurableLog, to: DurableLog, term: number): Promise<void> {
  const reader = from.openSnapshot();
  if (!reader) return;
  try {
    const { meta } = reader;
    const writer = to.createSnapshot();
    for (let offset = 0; ; ) {
      const chunk = await reader.read(offset, RAFT_LIMITS.chunkBytesMax);
      if (chunk.length === 0) break;
      await writer.write(chunk);
      offset += chunk.length;
    }
    const hardState = { term, vote: undefined, commit: meta.index };
    await to.installSnapshot(writer, meta satisfies SnapshotMeta, hardState);
  } finally {
    await reader.close();
  }
}

function pastOf({ past, group }: MembershipRecord): readonly string[] {
  return [...past, group].slice(-FOUNDING_LIMITS.pastMax);
}

function confirmationOf({ group, node, keep, lastTerm, lastIndex, commit }: RecoveryPlan): string {
  const text = JSON.stringify([group, node, keep, lastTerm, lastIndex, commit]);
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
