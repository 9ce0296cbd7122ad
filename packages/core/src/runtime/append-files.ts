/**
 * AppendFiles: files kept open for appending, the least recently used closed first.
 *
 * Opening a file for each append would triple its cost. A write that fails half way (a full disk) is cut off again, so
 * that what is appended later does not follow a torn piece.
 */
import { access, open, type FileHandle } from "node:fs/promises";
import { runtimeLimits } from "./limits.js";

interface OpenFile {
  readonly handle: FileHandle;
  sizeBytes: number;
  /** Made here and not yet durable in its directory. */
  isNew: boolean;
  /** In use: not to be closed to make room. */
  busy: boolean;
}

export class AppendFiles {
  /** In the order of their last use. */
  readonly #open = new Map<string, OpenFile>();
  /** New files that were closed before their directory was synced. */
  readonly #new = new Set<string>();
  /** Files with a torn piece at their end: nothing may follow it. */
  readonly #torn = new Set<string>();

  /** @param pathFor the path of a file, its folders made */
  constructor(readonly pathFor: (file: string) => Promise<string>) {}

  /** Adds bytes at the end, making the file when there is none. */
  async append(file: string, bytes: Uint8Array): Promise<void> {
    if (this.#torn.has(file)) {
      throw new Error(
        "an earlier write failed half way and could not be cut off; truncate it first",
      );
    }
    await this.#using(file, "make", async (found) => {
      try {
        for (let written = 0; written < bytes.length; ) {
          const { bytesWritten } = await found.handle.write(bytes, written);
          written += bytesWritten;
        }
      } catch (error) {
        await found.handle.truncate(found.sizeBytes).catch(() => this.#torn.add(file));
        throw error;
      }
      found.sizeBytes += bytes.length;
    });
  }

  /** Runs `run` with the handle of a file that exists; does nothing when there is none. */
  async withExisting(file: string, run: (handle: FileHandle) => Promise<void>): Promise<void> {
    await this.#using(file, "find", ({ handle }) => run(handle));
  }

  /** True once for a file that was made here. */
  takeNew(file: string): boolean {
    const found = this.#open.get(file);
    const isNew = found?.isNew === true || this.#new.has(file);
    if (found) found.isNew = false;
    this.#new.delete(file);
    return isNew;
  }

  /** Closes a file that is about to be replaced, cut or removed: its end will be another. */
  async giveUp(file: string): Promise<void> {
    this.#torn.delete(file);
    await this.#close(file);
  }

  async #close(file: string): Promise<void> {
    const found = this.#open.get(file);
    if (!found) return;
    this.#open.delete(file);
    if (found.isNew) this.#new.add(file);
    await found.handle.close();
  }

  async close(): Promise<void> {
    for (const file of [...this.#open.keys()]) await this.#close(file);
  }

  async #using(
    file: string,
    how: "make" | "find",
    run: (found: OpenFile) => Promise<void>,
  ): Promise<void> {
    const found = this.#open.get(file) ?? (await this.#openFile(file, how));
    if (!found) return;
    // Taken out and put back: the map's order is that of the last use.
    this.#open.delete(file);
    this.#open.set(file, found);
    found.busy = true;
    try {
      await run(found);
    } finally {
      found.busy = false;
      await this.#closeOldest();
    }
  }

  async #closeOldest(): Promise<void> {
    if (this.#open.size <= runtimeLimits.openFilesMax) return;
    for (const [file, { busy }] of this.#open) if (!busy) return this.#close(file);
  }

  async #openFile(file: string, how: "make" | "find"): Promise<OpenFile | undefined> {
    const path = await this.pathFor(file);
    const made = await openNew(path, how);
    if (!made && how === "find" && !(await exists(path))) return undefined;
    const handle = made ?? (await open(path, "a+"));
    const { size } = await handle.stat();
    return { handle, sizeBytes: size, isNew: made !== undefined, busy: false };
  }
}

/** A new empty file, or undefined when it exists already or shall not be made. */
async function openNew(path: string, how: "make" | "find"): Promise<FileHandle | undefined> {
  if (how === "find") return undefined;
  try {
    return await open(path, "ax+", 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
