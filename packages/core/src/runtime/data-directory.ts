/**
 * openDataDirectory: a node's storage, used by one process at a time.
 *
 * Two processes with one data directory would be one NodeId twice and would damage each other's logs. A lock file with
 * pid and start time says who has the directory; `link` makes taking it atomic. A lock whose process is gone is moved
 * aside first and only then removed, so that of two processes that find it stale one wins.
 */
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { coreErrors } from "../errors/errors.js";
import type { Storage } from "../ports/storage.js";
import { fileStorage } from "./file-storage.js";
import { isProcessRunning, processBirth } from "./process-birth.js";
import { storageFailure } from "./storage-name.js";

/** "~" is not a character of a Storage's names, so the lock is never listed or overwritten by its users. */
const LOCK = "lock~";
const ATTEMPTS_MAX = 5;
let opened = 0;

interface Owner {
  readonly pid: number;
  readonly birth: string | undefined;
}

/**
 * Takes the directory for this process until the storage is closed.
 *
 * @throws {ERR_DATA_IN_USE} when a running process has it. @throws {ERR_STORAGE} when it cannot be used.
 *
 * @example
 * ```ts
 * import { loadIdentity, nodeRuntime, openDataDirectory } from "@foundation/core"
 *
 * const storage = await openDataDirectory("data/node-1")
 * const identity = await loadIdentity(nodeRuntime({ storage }))
 * console.log(identity.id, identity.boot)
 * await storage.close()
 * ```
 */
export async function openDataDirectory(directory: string): Promise<Storage> {
  const path = resolve(directory);
  const lock = join(path, LOCK);
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await takeLock(lock);
  } catch (error) {
    if (coreErrors.ERR_DATA_IN_USE.is(error)) throw error;
    throw storageFailure(directory, "open", String((error as Error).message), error);
  }
  const storage = fileStorage(path);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await storage.close();
    await rm(lock, { force: true });
  };
  return {
    list: (prefix) => storage.list(prefix),
    read: (file) => storage.read(file),
    replace: (file, bytes) => storage.replace(file, bytes),
    append: (file, bytes) => storage.append(file, bytes),
    truncate: (file, sizeBytes) => storage.truncate(file, sizeBytes),
    sync: (file) => storage.sync(file),
    remove: (file) => storage.remove(file),
    close: () => (closing ??= close()),
  };
}

async function takeLock(lock: string): Promise<void> {
  const own = `${lock}${process.pid}-${(opened += 1)}`;
  const owner: Owner = { pid: process.pid, birth: processBirth(process.pid) };
  await writeFile(own, JSON.stringify(owner), { mode: 0o600 });
  try {
    for (let attempt = 1; ; attempt++) {
      if (await linked(own, lock)) return;
      await removeStale(lock, `${own}-stale`, attempt);
    }
  } finally {
    await rm(own, { force: true });
  }
}

async function linked(own: string, lock: string): Promise<boolean> {
  try {
    await link(own, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes the lock of a process that is gone. @throws {ERR_DATA_IN_USE} when it is not gone. */
async function removeStale(lock: string, aside: string, attempt: number): Promise<void> {
  const seen = await contentOf(lock);
  if (seen === undefined) return;
  const owner = ownerIn(seen);
  if (attempt > ATTEMPTS_MAX || (owner && isProcessRunning(owner.pid, owner.birth))) {
    throw inUse(lock, owner);
  }
  try {
    await rename(lock, aside);
  } catch {
    return; // Another process was faster; try again.
  }
  // Between reading and moving, another process may have put its own lock there: give it back.
  if ((await contentOf(aside)) !== seen) await linked(aside, lock);
  await rm(aside, { force: true });
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** What stands in a lock; undefined for what no version of this program wrote. */
function ownerIn(content: string): Owner | undefined {
  try {
    const { pid, birth } = JSON.parse(content) as Partial<Owner>;
    return typeof pid === "number" ? { pid, birth } : undefined;
  } catch {
    return undefined;
  }
}

function inUse(lock: string, owner: Owner | undefined): Error {
  const who = owner ? `process ${owner.pid}` : "another process";
  return coreErrors.ERR_DATA_IN_USE(
    `The data directory of ${lock} is used by ${who}: stop it, or choose another directory`,
    { owner: who, file: lock },
  );
}
