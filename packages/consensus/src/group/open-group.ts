/**
 * openGroup: starts a member of a group from what its disk holds.
 *
 * A first voter begins with the founding configuration, once: whatever its log has later counts, and
 * the list it was founded with is not looked at again. A later member begins with nothing and waits
 * for a leader to tell it everything. Who the first voters are is decided before, by whoever calls
 * this: two members that are given different lists are two groups of one name.
 */
import { nodeRuntime, resolveLimits, type NodeId, type Runtime } from "@foundation/core";
import type { Storage } from "@foundation/core/ports";
import {
  GROUP_LIMITS,
  GROUP_TIMES,
  UNWRITTEN_BYTES_MAX,
  type GroupLimits,
  type GroupTimes,
  type RaftLimits,
  type RaftTimes,
} from "../limits.js";
import { configurationOf } from "../protocol/raft/configuration.js";
import { FIRST_HARD_STATE, firstEntries, type Entry } from "../protocol/raft/entry.js";
import { checkedLimits } from "../protocol/raft/options.js";
import { openDurableLog, type DurableLog } from "../storage/durable-log.js";
import type { LogLimits } from "../storage/limits.js";
import type { Group } from "./group.js";
import type { GroupLink } from "./link.js";
import { Member } from "./member.js";
import { machineBytes, readHead } from "./snapshot-format.js";
import type { StateMachine } from "./state-machine.js";

export interface GroupOptions<Response> {
  /** The group's random id, the same on every member, `[a-z0-9._-]`. */
  readonly group: string;
  readonly link: GroupLink;
  /** Empty: what the disk holds is applied to it before the group opens or soon after. */
  readonly machine: StateMachine<Response>;
  readonly storage: Storage;
  /** Folder of the storage that is this group's alone. @default `raft/<group>` */
  readonly folder?: string | undefined;
  /**
   * Whom the group is founded with, the same on each of them; none for a member that is added later.
   * Without effect once the log has anything.
   */
  readonly firstVoters?: readonly NodeId[] | undefined;
  /** Time, chance, logger, meter. @default Node's */
  readonly runtime?: Partial<Runtime> | undefined;
  readonly raft?: {
    /** @default RAFT_TIMES; equal on every member */
    readonly times?: Partial<RaftTimes>;
    /** @default RAFT_LIMITS */
    readonly limits?: Partial<RaftLimits>;
    /** @default none: every read costs a round */
    readonly lease?: { readonly driftMax: number };
  };
  /** @default GROUP_TIMES */
  readonly times?: Partial<GroupTimes> | undefined;
  /** @default GROUP_LIMITS */
  readonly limits?: Partial<GroupLimits> | undefined;
  /** @default LOG_LIMITS, but that 256 MiB may wait for the disk */
  readonly logLimits?: Partial<LogLimits> | undefined;
}

/**
 * Opens a member of a group.
 *
 * @throws {ERR_LOG_DAMAGED} {ERR_LOG_FORMAT} {ERR_LOG_FOREIGN} {ERR_STORAGE} as `openDurableLog`
 * @throws {ERR_INVALID_ARGUMENT} for times or limits that cannot work
 *
 * @example
 * ```ts
 * import { messengerLink, openGroup, type StateMachine } from "@foundation/consensus"
 * import { memoryCluster, memoryStorage, virtualClock } from "@foundation/core/testing"
 *
 * let total = 0
 * const machine: StateMachine<number> = {
 *   apply: (_index, _timeMs, data) => (total += data[0] ?? 0),
 *   snapshot: () => [Uint8Array.of(total)],
 *   restore: async (chunks) => { for await (const [first = 0] of chunks) total = first },
 * }
 * const clock = virtualClock()
 * const { id, messenger, membership } = memoryCluster({ clock, nodes: 1 }).node(0)
 * const group = "orders-1f0c"
 * const member = await openGroup({
 *   group, machine, link: messengerLink({ messenger, membership, group }),
 *   storage: memoryStorage(), firstVoters: [id], runtime: { clock },
 * })
 * const { response } = await clock.run(member.propose(Uint8Array.of(5))) // 5
 * ```
 */
export async function openGroup<Response>(
  options: GroupOptions<Response>,
): Promise<Group<Response>> {
  const { group, storage, link, machine, raft = {} } = options;
  const runtime = nodeRuntime(options.runtime);
  const limits = resolveLimits(GROUP_LIMITS, options.limits);
  const times = resolveLimits(GROUP_TIMES, options.times);
  const raftLimits = checkedLimits(raft.limits);
  const folder = options.folder ?? `raft/${group}`;
  const logLimits = { pendingBytesMax: UNWRITTEN_BYTES_MAX, ...options.logLimits };
  const log = await openDurableLog({ storage, folder, group, limits: logLimits });
  try {
    await found(log, options.firstVoters);
    const entries = await entriesOf(log);
    const parts = { group, link, machine, log, runtime, limits, times, raftLimits };
    const member = new Member<Response>({ ...parts, raft, entries, sizeBytes: sizeOf(log) });
    member.begin(await restored(log, machine));
    return member;
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** Writes the beginning of a new group; nothing where there is a log. */
async function found(log: DurableLog, voters: readonly NodeId[] | undefined): Promise<void> {
  const isNew = log.lastIndex === 0 && log.hardState.term === 0;
  if (!isNew || voters === undefined || voters.length === 0) return;
  const entries = firstEntries(configurationOf(voters));
  await log.append({ hardState: FIRST_HARD_STATE, entries });
}

/** Everything behind the snapshot. */
async function entriesOf(log: DurableLog): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  const from = Math.max(log.firstIndex, (log.snapshot?.index ?? 0) + 1);
  for (let next = from; next <= log.lastIndex; ) {
    const some = await log.read(next);
    for (const entry of some) entries.push(entry);
    next += Math.max(1, some.length);
  }
  return entries;
}

function sizeOf(log: DurableLog): number {
  const reader = log.openSnapshot();
  void reader?.close();
  return reader?.sizeBytes ?? 0;
}

/** Puts the machine to the installed snapshot's state; gives the log time of it. */
async function restored(log: DurableLog, machine: StateMachine<unknown>): Promise<number> {
  const reader = log.openSnapshot();
  if (!reader) return 0;
  try {
    const head = await readHead(reader);
    await machine.restore(machineBytes(reader, head));
    return head.timeMs;
  } finally {
    await reader.close();
  }
}
