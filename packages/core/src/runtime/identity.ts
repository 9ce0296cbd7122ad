/**
 * Identity: who this node is and which start of it, kept across restarts where there is storage.
 *
 * The counter of starts is durable before the boot made of it is used, so no boot is ever used twice and a later start
 * always has the greater one, whatever the wall clock says. A damaged file is refused, never replaced: a node that
 * silently became another would leave its old self's shards and leases behind.
 */
import { createBoot, createNodeId, isNodeId, type Boot, type NodeId } from "../ids/node-id.js";
import type { Runtime } from "../ports/runtime.js";
import type { Storage } from "../ports/storage.js";
import { storageFailure } from "./storage-name.js";

/** Where the identity is kept. */
export const IDENTITY_FILE = "node/identity.json";

export interface NodeIdentity {
  readonly id: NodeId;
  readonly boot: Boot;
}

/**
 * The identity of this start. With `runtime.storage` the id is kept and the boot is greater than every earlier one;
 * without, both are new and the wall clock orders the boot.
 *
 * @throws {ERR_STORAGE} when the file cannot be read or written, or is damaged.
 */
export async function loadIdentity(
  runtime: Pick<Runtime, "clock" | "random" | "storage">,
): Promise<NodeIdentity> {
  const { clock, random, storage } = runtime;
  if (!storage) {
    const wallMs = Math.max(0, Math.floor(clock.wallNow()));
    return { id: createNodeId(random), boot: createBoot(wallMs, random) };
  }
  const kept = await readKept(storage);
  const id = kept?.id ?? createNodeId(random);
  const starts = (kept?.starts ?? 0) + 1;
  const text = JSON.stringify({ version: 1, id, starts });
  await storage.replace(IDENTITY_FILE, new TextEncoder().encode(text));
  return { id, boot: createBoot(starts, random) };
}

interface Kept {
  readonly id: NodeId;
  readonly starts: number;
}

async function readKept(storage: Storage): Promise<Kept | undefined> {
  const bytes = await storage.read(IDENTITY_FILE);
  if (bytes === undefined) return undefined;
  try {
    const kept = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Kept & { version: number }>;
    const { version, id, starts } = kept;
    if (version === 1 && isNodeId(id) && Number.isSafeInteger(starts) && (starts as number) > 0) {
      return { id, starts: starts as number };
    }
  } catch {
    // Falls through: not even JSON.
  }
  const reason = "it is damaged; restore it, or remove it to start as a new node";
  throw storageFailure(IDENTITY_FILE, "read", reason);
}
