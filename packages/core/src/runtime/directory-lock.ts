/**
 * DirectoryLock: one process at a time has a directory, and a process that was killed gives it up.
 *
 * Locks are numbered files, `lock~1`, `lock~2`, …: the highest number is the one that counts. Whoever finds it released,
 * or its process gone, makes the next number by `link`, which is atomic and fails where the file exists; so of many that
 * try at once one wins. Releasing says so in the file and leaves it, and lower numbers are removed only when a higher
 * one exists. Invariant: the highest number never disappears. Without it, a slow process could remove the fresh lock of
 * a fast one (a lock file that is deleted and made again has exactly that hole).
 */
import { link, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { coreErrors } from "../errors/errors.js";
import { runtimeLimits } from "./limits.js";
import { isProcessRunning, processBirth } from "./process-birth.js";

/** "~" is not a character of a Storage's names, so a lock is never listed or overwritten through one. */
const LOCK = /^lock~(\d{1,15})$/;

/** Makes the names of temporary files unique within this process. */
let serial = 0;

/**
 * Takes the directory for this process. Gives the function that releases it.
 * @throws {ERR_DATA_IN_USE} when a running process has it.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const own = await writeOwner(directory, { pid: process.pid, birth: processBirth(process.pid) });
  try {
    for (let attempt = 0; attempt < runtimeLimits.lockAttemptsMax; attempt++) {
      const [highest = 0] = await numbersIn(directory);
      const holder = await holderOf(directory, highest);
      if (holder !== undefined) throw inUse(directory, holder);
      const lock = lockPath(directory, highest + 1);
      if (!(await linked(own, lock))) continue;
      const [newest, ...older] = await numbersIn(directory);
      // Slower than others who have taken and given up this number meanwhile: theirs counts.
      const overtaken = newest !== highest + 1;
      for (const number of overtaken ? [highest + 1] : older) {
        await rm(lockPath(directory, number), { force: true });
      }
      if (!overtaken) return () => release(directory, lock);
    }
    throw inUse(directory, "other processes that are starting");
  } finally {
    await rm(own, { force: true });
  }
}

interface Owner {
  /** 0: released. */
  readonly pid: number;
  readonly birth: string | undefined;
}

async function release(directory: string, lock: string): Promise<void> {
  await rename(await writeOwner(directory, { pid: 0, birth: undefined }), lock);
}

/** A file with the owner's description, complete before it gets its real name. */
async function writeOwner(directory: string, owner: Owner): Promise<string> {
  const path = join(directory, `owner~${process.pid}-${(serial += 1)}`);
  await writeFile(path, JSON.stringify(owner), { mode: 0o600 });
  return path;
}

/** The numbers of the locks, highest first. */
async function numbersIn(directory: string): Promise<readonly number[]> {
  const numbers: number[] = [];
  for (const name of await readdir(directory)) {
    const match = LOCK.exec(name);
    if (match) numbers.push(Number(match[1]));
  }
  return numbers.sort((a, b) => b - a);
}

/** Who holds the lock of that number; undefined when nobody does. */
async function holderOf(directory: string, number: number): Promise<string | undefined> {
  if (number === 0) return undefined;
  try {
    const content = await readFile(lockPath(directory, number), "utf8");
    const { pid, birth } = JSON.parse(content) as Partial<Owner>;
    return pid !== undefined && isProcessRunning(pid, birth) ? `process ${pid}` : undefined;
  } catch {
    // Removed meanwhile, because there is a higher one, or not written by us: the link decides.
    return undefined;
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function lockPath(directory: string, number: number): string {
  return join(directory, `lock~${number}`);
}

function inUse(directory: string, owner: string): Error {
  return coreErrors.ERR_DATA_IN_USE(
    `The data directory ${directory} is used by ${owner}: stop it, or choose another directory`,
    { owner, file: directory },
  );
}
