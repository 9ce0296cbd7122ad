/**
 * The run directory: the private folder in which one user's nodes meet on one machine.
 *
 * `$XDG_RUNTIME_DIR/foundation` where the system gives the user a run-time folder, otherwise
 * `foundation-<uid>` in the folder for temporary files. Invariant: it belongs to this user and nobody
 * else may read or write it (0700), since it holds the secret and says where to connect; a folder
 * that somebody else prepared is refused, never repaired.
 */
import { constants } from "node:fs";
import { access, lstat, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { discoveryErrors } from "../errors.js";

/** Where the run directory is. */
export interface RunDirectoryOptions {
  /** A folder of your own, made when missing. @default the user's run-time folder */
  readonly directory?: string | undefined;
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * The path of the run directory, which then exists and is private.
 *
 * @throws {ERR_RUN_DIRECTORY_INSECURE} when it belongs to or is open to others
 * @throws {ERR_RUN_DIRECTORY_UNUSABLE} when it cannot be made
 */
export async function runDirectory(options: RunDirectoryOptions = {}): Promise<string> {
  const directory = options.directory ?? (await defaultDirectory(options.env ?? process.env));
  await ensurePrivate(directory);
  return directory;
}

/** Makes the folder when it is missing, and refuses it when it is not this user's alone. */
export async function ensurePrivate(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EEXIST") throw unusable(directory, "mkdir", error);
  }
  await verifyPrivate(directory);
}

/** True when only this user may use what the mode and the owner describe. */
export function isPrivate(of: { readonly mode: number; readonly uid: number }): boolean {
  const uid = userId();
  return uid === undefined || (of.uid === uid && (of.mode & 0o077) === 0);
}

/** @throws {ERR_RUN_DIRECTORY_UNUSABLE} always: the operating system's error with its context. */
export function unusable(directory: string, operation: string, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return discoveryErrors.ERR_RUN_DIRECTORY_UNUSABLE(
    `The folder ${directory} cannot be used (${operation}): ${reason}. ` +
      "Free space or correct its permissions, or pass another folder as `directory`.",
    { directory, operation, reason },
    cause,
  );
}

async function verifyPrivate(directory: string): Promise<void> {
  const found = await lstat(directory).catch((error: unknown) => {
    throw unusable(directory, "lstat", error);
  });
  if (!found.isDirectory()) {
    const what = found.isSymbolicLink() ? "a symbolic link" : "not a folder";
    throw insecure(directory, `it is ${what}`, `remove it: rm ${directory}`);
  }
  if (isPrivate(found)) return;
  if (found.uid !== userId()) {
    throw insecure(directory, `it belongs to user ${found.uid}`, "have its owner remove it");
  }
  const mode = (found.mode & 0o777).toString(8).padStart(4, "0");
  throw insecure(directory, `others may use it (mode ${mode})`, `chmod 700 ${directory}`);
}

async function defaultDirectory(
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const runtime = env["XDG_RUNTIME_DIR"];
  if (runtime !== undefined && isAbsolute(runtime) && (await isUsable(runtime))) {
    return join(runtime, "foundation");
  }
  return join(tmpdir(), `foundation-${userId() ?? "user"}`);
}

/** The run-time folder of another user, inherited through sudo, is not ours to use. */
async function isUsable(directory: string): Promise<boolean> {
  try {
    const found = await lstat(directory);
    if (!found.isDirectory() || found.uid !== userId()) return false;
    await access(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Undefined on Windows, where the folder for temporary files is the user's own. */
function userId(): number | undefined {
  return process.getuid?.();
}

function insecure(directory: string, reason: string, fix: string): Error {
  return discoveryErrors.ERR_RUN_DIRECTORY_INSECURE(
    `The folder ${directory} is not safe to meet in: ${reason}. To go on, ${fix}, ` +
      "or pass a folder of your own as `directory`.",
    { directory, reason },
  );
}
