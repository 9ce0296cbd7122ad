/**
 * openDataDirectory: a node's storage, used by one process at a time.
 *
 * Two processes with one data directory would be one NodeId twice and would damage each other's logs.
 */
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { coreErrors } from "../errors/errors.js";
import type { Storage } from "../ports/storage.js";
import { lockDirectory } from "./directory-lock.js";
import { fileStorage } from "./file-storage.js";
import { storageFailure } from "./storage-name.js";

/**
 * Takes the directory for this process until the storage is closed. A process that was killed no longer has it.
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
  const release = await take(path);
  const storage = fileStorage(path);
  let closing: Promise<void> | undefined;
  return {
    list: (prefix) => storage.list(prefix),
    read: (file) => storage.read(file),
    replace: (file, bytes) => storage.replace(file, bytes),
    append: (file, bytes) => storage.append(file, bytes),
    truncate: (file, sizeBytes) => storage.truncate(file, sizeBytes),
    sync: (file) => storage.sync(file),
    remove: (file) => storage.remove(file),
    close: () => {
      closing ??= storage.close().then(release);
      return closing;
    },
  };
}

async function take(path: string): Promise<() => Promise<void>> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    return await lockDirectory(path);
  } catch (error) {
    if (coreErrors.ERR_DATA_IN_USE.is(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw storageFailure(path, "open", reason, error);
  }
}
