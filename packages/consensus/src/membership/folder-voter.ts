/**
 * holdFolder: the one voter of all processes that share a folder, for development.
 *
 * The log and the voter's id belong to the folder, not to a process. Whichever process has the folder's lock is
 * the voter; when it ends, however it ends, the next one opens the same log under the same id. A group of one
 * sends nothing, so there is no link to speak of; the other processes use the group from outside, as clients.
 *
 * Invariant: never two at once, by the operating system's lock; so the group has one leader, and everything that was
 * acknowledged is in the one log.
 */
import {
  coreErrors,
  loadIdentity,
  nodeRuntime,
  openDataDirectory,
  type NodeId,
  type Runtime,
} from "@foundation/core";
import type { Storage } from "@foundation/core/ports";
import type { GroupLink } from "../group/link.js";
import { FOLDER_LOOK_MS } from "./limits.js";
import { placeOf, refuseStranger, type GroupPlace } from "./own-place.js";
import { checkedName, readRecord, writeRecord } from "./record-file.js";
import type { MembershipRecord } from "./protocol/membership-record.js";

export interface HoldFolderOptions {
  /** Shared by the processes of one cluster on one machine; made when it is missing. */
  readonly directory: string;
  /** What the application calls the group, `[a-z0-9._-]`. */
  readonly name: string;
  /** Waits for the folder until it fires. */
  readonly signal?: AbortSignal | undefined;
  /** False: undefined at once when another process has it. @default true */
  readonly wait?: boolean | undefined;
  /** Time and chance. @default Node's */
  readonly runtime?: Partial<Runtime> | undefined;
}

/** The folder is this process's: pass it to `openGroup`, then call `opened`. */
export interface FolderVoter extends GroupPlace, AsyncDisposable {
  readonly storage: Storage;
  /** Of a group of one: nothing is ever sent. */
  readonly link: GroupLink;
  /** The group is open: from now on its log must be there. @throws {ERR_STORAGE} */
  opened(): Promise<void>;
  /** Gives the folder to the next one. Close the group first. Idempotent. */
  close(): Promise<void>;
}

/**
 * Takes the folder as soon as no other process has it.
 *
 * @throws {ERR_ABORTED} the signal fired first
 * @throws {ERR_STORAGE} the folder cannot be used
 * @throws {ERR_GROUP_STUCK} the log was removed, and other files were left
 *
 * @example
 * ```ts
 * import { createStoreMachine, holdFolder, openGroup } from "@foundation/consensus"
 *
 * export async function serve(signal: AbortSignal): Promise<void> {
 *   const voter = await holdFolder({ directory: ".foundation/groups", name: "orders", signal })
 *   const group = await openGroup({ ...voter, machine: createStoreMachine() })
 *   await voter.opened()
 *   console.log(group.id)
 * }
 * ```
 */
export async function holdFolder(
  options: HoldFolderOptions & { wait?: true },
): Promise<FolderVoter>;
export async function holdFolder(options: HoldFolderOptions): Promise<FolderVoter | undefined>;
export async function holdFolder(options: HoldFolderOptions): Promise<FolderVoter | undefined> {
  const { directory, signal, wait = true } = options;
  const name = checkedName(options.name);
  const runtime = nodeRuntime(options.runtime);
  for (;;) {
    const storage = await taken(directory);
    if (storage) {
      try {
        return await voterIn(storage, name, runtime);
      } catch (error) {
        await storage.close();
        throw error;
      }
    }
    if (!wait) return undefined;
    await runtime.clock.sleep(FOLDER_LOOK_MS, { signal });
  }
}

async function taken(directory: string): Promise<Storage | undefined> {
  try {
    return await openDataDirectory(directory);
  } catch (error) {
    if (coreErrors.ERR_DATA_IN_USE.is(error)) return undefined;
    throw error;
  }
}

async function voterIn(storage: Storage, name: string, runtime: Runtime): Promise<FolderVoter> {
  const { id } = await loadIdentity({ ...runtime, storage });
  const kept = await readRecord(storage, name);
  if (kept) await refuseStranger(storage, kept, id);
  const record = kept ?? newRecord(name, id, runtime);
  if (!kept) await writeRecord(storage, record);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= storage.close();
    return closing;
  };
  return {
    ...placeOf(record),
    storage,
    link: loneLink(id),
    opened: () => writeRecord(storage, { ...record, phase: "begun" }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** There is nobody to agree with: the lock is what makes it safe. */
function newRecord(name: string, id: NodeId, { random }: Runtime): MembershipRecord {
  const group = `${name}-${Buffer.from(random.secret(8)).toString("hex")}`;
  const voters = [{ name: "folder", id }];
  return { name, node: id, phase: "formed", by: "voters", group, voters, past: [] };
}

function loneLink(self: NodeId): GroupLink {
  return { self, send: () => false, open: () => () => {} };
}
