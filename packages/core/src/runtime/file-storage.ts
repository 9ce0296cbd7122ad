/**
 * fileStorage: Storage in a directory of the file system.
 *
 * `replace` writes a file beside the old one, syncs it, renames it over the old one and syncs the directory: after a
 * crash there is the old or the new content, never a part (POSIX rename is atomic; without the directory's sync the
 * rename itself may be lost). Operations on one file wait for each other; different files do not.
 *
 * Invariant: when a sync has failed, the file takes nothing more until the storage is opened again: the kernel has
 * forgotten which pages it could not write, so a later sync that succeeds would prove nothing ("fsyncgate", Rebello et
 * al., USENIX ATC 2020, https://www.usenix.org/conference/atc20/presentation/rebello).
 */
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Storage } from "../ports/storage.js";
import { AppendFiles } from "./append-files.js";
import { isStorageName, nameFailure, storageFailure } from "./storage-name.js";

/**
 * Files under a directory, which is made when it is missing.
 *
 * @example
 * ```ts
 * import { fileStorage } from "@foundation/core"
 * import { mkdtempSync } from "node:fs"
 * import { tmpdir } from "node:os"
 * import { join } from "node:path"
 *
 * const storage = fileStorage(mkdtempSync(join(tmpdir(), "example-")))
 * await storage.replace("node/identity.json", new TextEncoder().encode("{}"))
 * await storage.close()
 * ```
 */
export function fileStorage(directory: string): Storage {
  return new DirectoryStorage(resolve(directory));
}

class DirectoryStorage implements Storage {
  readonly #directory: string;
  readonly #appending: AppendFiles;
  /** The last operation of each file; the next one waits for it. */
  readonly #tails = new Map<string, Promise<unknown>>();
  /** Files whose sync failed, and why. */
  readonly #poisoned = new Map<string, string>();
  #temporary = 0;
  #closing: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
    this.#appending = new AppendFiles((file) => this.#pathFor(file));
  }

  async list(prefix: string): Promise<readonly string[]> {
    if (this.#closing) throw storageFailure(prefix, "list", "the storage is closed");
    await Promise.all(this.#tails.values());
    try {
      const entries = await readdir(this.#directory, { recursive: true, withFileTypes: true });
      const names = entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(this.#directory.length + 1))
        .map((name) => name.replaceAll("\\", "/"));
      return names.filter((name) => isStorageName(name) && name.startsWith(prefix)).sort();
    } catch (error) {
      if (codeOf(error) === "ENOENT") return [];
      throw storageFailure(prefix, "list", reasonOf(error), error);
    }
  }

  read(file: string): Promise<Uint8Array | undefined> {
    return this.#inLine(file, "read", async () => {
      try {
        const bytes = await readFile(join(this.#directory, file));
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      } catch (error) {
        if (codeOf(error) === "ENOENT") return undefined;
        throw error;
      }
    });
  }

  replace(file: string, bytes: Uint8Array): Promise<void> {
    // A copy: the write may come after the caller has gone on and used its buffer again.
    const content = new Uint8Array(bytes);
    return this.#inLine(file, "replace", async () => {
      await this.#appending.giveUp(file);
      const path = await this.#pathFor(file);
      // "~" is not a character of names, so a leftover of a crash is never listed.
      const temporary = `${path}~${process.pid}-${(this.#temporary += 1)}`;
      try {
        await writeDurably(temporary, content);
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      await syncDirectory(dirname(path));
      this.#poisoned.delete(file);
    });
  }

  append(file: string, bytes: Uint8Array): Promise<void> {
    const content = new Uint8Array(bytes);
    return this.#inLine(file, "append", async () => {
      this.#refusePoisoned(file);
      await this.#appending.append(file, content);
    });
  }

  truncate(file: string, sizeBytes: number): Promise<void> {
    return this.#inLine(file, "truncate", async () => {
      this.#refusePoisoned(file);
      await this.#appending.giveUp(file);
      const handle = await open(join(this.#directory, file), "r+");
      try {
        const { size } = await handle.stat();
        if (sizeBytes < size) await handle.truncate(sizeBytes);
        await this.#orPoison(file, () => handle.datasync());
      } finally {
        await handle.close();
      }
    });
  }

  sync(file: string): Promise<void> {
    return this.#inLine(file, "sync", async () => {
      this.#refusePoisoned(file);
      await this.#appending.withExisting(file, (handle) =>
        this.#orPoison(file, () => handle.datasync()),
      );
      // A file that is new is only found again when its directory is durable too.
      if (!this.#appending.takeNew(file)) return;
      const directory = dirname(join(this.#directory, file));
      await this.#orPoison(file, () => syncDirectory(directory));
    });
  }

  remove(file: string): Promise<void> {
    return this.#inLine(file, "remove", async () => {
      await this.#appending.giveUp(file);
      const path = join(this.#directory, file);
      try {
        await rm(path);
      } catch (error) {
        if (codeOf(error) === "ENOENT") return;
        throw error;
      }
      await syncDirectory(dirname(path));
      this.#poisoned.delete(file);
    });
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all(this.#tails.values()).then(() => this.#appending.close());
    return this.#closing;
  }

  /** Runs an operation after the earlier ones of the same file. */
  #inLine<T>(file: string, operation: string, run: () => Promise<T>): Promise<T> {
    if (this.#closing) {
      return Promise.reject(storageFailure(file, operation, "the storage is closed"));
    }
    if (!isStorageName(file)) return Promise.reject(nameFailure(file, operation));
    const before = this.#tails.get(file) ?? Promise.resolve();
    const result = before.then(run).catch((error: unknown) => {
      throw storageFailure(file, operation, reasonOf(error), error);
    });
    const tail = result.then(
      () => undefined,
      () => undefined,
    );
    this.#tails.set(file, tail);
    void tail.then(() => {
      if (this.#tails.get(file) === tail) this.#tails.delete(file);
    });
    return result;
  }

  #refusePoisoned(file: string): void {
    const reason = this.#poisoned.get(file);
    if (reason !== undefined) throw new Error(`an earlier sync failed (${reason}); open it again`);
  }

  async #orPoison(file: string, sync: () => Promise<void>): Promise<void> {
    try {
      await sync();
    } catch (error) {
      this.#poisoned.set(file, reasonOf(error));
      throw error;
    }
  }

  /** The file's path; its folders exist and are durable afterwards. */
  async #pathFor(file: string): Promise<string> {
    const path = join(this.#directory, file);
    const made = await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    if (made !== undefined) {
      for (let folder = dirname(path); folder.length >= made.length; folder = dirname(folder)) {
        await syncDirectory(folder);
      }
      await syncDirectory(dirname(made));
    }
    return path;
  }
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, "wx", 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Windows cannot open a directory to sync it, and does not need to. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
