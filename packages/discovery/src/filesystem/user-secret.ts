/**
 * userSecret: the secret that lets one user's nodes on one machine trust each other without
 * configuration.
 *
 * Made once, 256 bits, and kept in the run directory with mode 0600. Invariants: nobody ever sees a
 * half-written secret, and of many processes that start at once exactly one makes it (the finished
 * file is linked to its name, which fails when the name is taken); a secret others could have read
 * is refused, never used.
 */
import { constants } from "node:fs";
import { link, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { nodeRandom, Secret, type Random } from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import { discoveryLimits } from "../limits.js";
import { isPrivate, runDirectory, unusable, type RunDirectoryOptions } from "./run-directory.js";

const SECRET_BYTES = 32;
/** 32 bytes in base64url. */
const FORM = /^[A-Za-z0-9_-]{43}$/;
/** More than any secret, so that a wrong file is not read whole. */
const READ_BYTES_MAX = 256;

export interface UserSecretOptions extends RunDirectoryOptions {
  /** @default Node's */
  readonly random?: Random | undefined;
}

/**
 * The secret of this user's clusters on this machine: 43 characters of base64url.
 *
 * @throws {ERR_SECRET_EXPOSED} when others can read the file
 * @throws {ERR_SECRET_DAMAGED} when the file does not hold a secret
 * @throws {ERR_RUN_DIRECTORY_INSECURE} when the folder belongs to or is open to others
 * @throws {ERR_RUN_DIRECTORY_UNUSABLE} when the folder or the file cannot be used
 */
export async function userSecret(options: UserSecretOptions = {}): Promise<Secret> {
  const directory = await runDirectory(options);
  const file = join(directory, "secret");
  const random = options.random ?? nodeRandom();
  for (let attempt = 0; attempt < discoveryLimits.secretAttemptsMax; attempt += 1) {
    const secret = await read(directory, file);
    if (secret !== undefined) return secret;
    await make(directory, file, random);
  }
  const reason = "it is removed as fast as it is made";
  throw damaged(file, reason);
}

async function read(directory: string, file: string): Promise<Secret | undefined> {
  try {
    // Not following links, and not waiting for a pipe's other end.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = await open(file, flags);
    try {
      const found = await handle.stat();
      if (!found.isFile()) throw damaged(file, "it is not a file");
      if (!isPrivate(found)) throw exposed(file, found.mode);
      const buffer = new Uint8Array(READ_BYTES_MAX);
      const { bytesRead } = await handle.read(buffer, 0, READ_BYTES_MAX, 0);
      const text = new TextDecoder().decode(buffer.subarray(0, bytesRead)).trim();
      if (!FORM.test(text)) throw damaged(file, "it does not hold 43 characters of base64url");
      return new Secret(text);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") throw damaged(file, "it is a symbolic link");
    if (discoveryErrors.ERR_SECRET_EXPOSED.is(error)) throw error;
    if (discoveryErrors.ERR_SECRET_DAMAGED.is(error)) throw error;
    throw unusable(directory, "read secret", error);
  }
}

/** Does nothing when somebody else was first. */
async function make(directory: string, file: string, random: Random): Promise<void> {
  const draft = `${file}.${Buffer.from(random.secret(8)).toString("hex")}.tmp`;
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      const secret = Buffer.from(random.secret(SECRET_BYTES)).toString("base64url");
      await handle.writeFile(`${secret}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(draft, file);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EEXIST") {
      throw unusable(directory, "make secret", error);
    }
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}

function exposed(file: string, mode: number): Error {
  const reason = `its owner or its mode (${(mode & 0o777).toString(8).padStart(4, "0")}) is wrong`;
  return discoveryErrors.ERR_SECRET_EXPOSED(
    `Others can read the secret in ${file}: ${reason}. If nobody has read it: chmod 600 ${file}; ` +
      `otherwise stop your nodes and remove it (rm ${file}), and a new one is made.`,
    { file, reason },
  );
}

function damaged(file: string, reason: string): Error {
  return discoveryErrors.ERR_SECRET_DAMAGED(
    `${file} is not a secret: ${reason}. Stop your nodes and remove it (rm ${file}); ` +
      "the next start makes a new one.",
    { file, reason },
  );
}
