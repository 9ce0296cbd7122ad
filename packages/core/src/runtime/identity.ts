/**
 * Identity: who this node is and which start of it, kept across restarts where there is storage.
 *
 * The order of a start is durable before the boot made of it is used, so no boot is ever used twice and a later start
 * always has the greater one, whatever the wall clock says. It follows the wall clock where that is ahead, so that also a
 * disk that was set back to an older image (a restored backup, a cloned volume) gives a boot its cluster has not seen: a
 * bare counter would count the same starts again, and the node would be refused as stale for as long as others remember.
 *
 * A damaged file is refused, never replaced, and a checksum tells damage that still reads well: a node that silently
 * became another would leave its old self's shards and leases behind. The file carries the version of its format, so that
 * what another release wrote is told apart from damage.
 */
import { createBoot, createNodeId, isNodeId, type Boot, type NodeId } from "../ids/node-id.js";
import type { Runtime } from "../ports/runtime.js";
import type { Storage } from "../ports/storage.js";
import { storageFailure } from "./storage-name.js";
import { fieldsOf } from "./stored-fields.js";

/** Where the identity is kept. */
export const IDENTITY_FILE = "node/identity.json";

const VERSION = 1;

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
  const wallMs = Math.max(0, Math.floor(clock.wallNow()));
  if (!storage) return { id: createNodeId(random), boot: createBoot(wallMs, random) };
  const kept = await readKept(storage);
  const id = kept?.id ?? createNodeId(random);
  const order = Math.max((kept?.order ?? 0) + 1, wallMs);
  const text = JSON.stringify({ version: VERSION, id, order, sum: sumOf(id, order) });
  await storage.replace(IDENTITY_FILE, new TextEncoder().encode(text));
  return { id, boot: createBoot(order, random) };
}

interface Kept {
  readonly id: NodeId;
  /** Of the last start. */
  readonly order: number;
}

async function readKept(storage: Storage): Promise<Kept | undefined> {
  const bytes = await storage.read(IDENTITY_FILE);
  if (bytes === undefined) return undefined;
  const fields = fieldsOf(bytes);
  const kept = keptOf(fields);
  if (kept !== undefined) return kept;
  const { version } = fields;
  const isOther = Number.isSafeInteger(version) && version !== VERSION;
  const reason = isOther
    ? `its format is version ${version as number}, and this release reads version ${VERSION}: start the release that ` +
      "wrote it; or, if it is damaged, restore it, or remove it to start as a new node"
    : "it is damaged; restore it, or remove it to start as a new node";
  throw storageFailure(IDENTITY_FILE, "read", reason);
}

function keptOf({ version, id, order, sum }: Readonly<Record<string, unknown>>): Kept | undefined {
  if (version !== VERSION || !isNodeId(id)) return undefined;
  if (typeof order !== "number" || !Number.isSafeInteger(order) || order <= 0) return undefined;
  return sum === sumOf(id, order) ? { id, order } : undefined;
}

/** FNV-1a of 32 bits: enough to tell damage, and no protection against anybody. */
function sumOf(id: NodeId, order: number): string {
  const text = `${VERSION}/${id}/${order}`;
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}
