/**
 * Staging: what is known of a snapshot that arrives, so that a start need not have it sent from the beginning.
 *
 * A sealed document names the parts that are whole. It is only a hint: one that is missing or damaged costs the transfer,
 * nothing else, and the parts' bytes are checked before they are used.
 */
import { crc32 } from "node:zlib";
import type { SnapshotMeta } from "../protocol/raft/entry.js";
import { parseSnapshotMeta } from "../protocol/raft/messages.js";
import { isCount } from "../protocol/raft/shape.js";
import type { LogPlace } from "./log-place.js";
import { seal, unseal } from "./sealed-document.js";
import { partFile, partSeed } from "./snapshot-files.js";

const MAGIC = "FNDRAFTP";

/** A part of a snapshot, from its beginning. */
export interface StagedSnapshot {
  readonly meta: SnapshotMeta;
  readonly serial: number;
  /** The checksums of its whole parts. */
  readonly parts: readonly number[];
}

function stagingFile(folder: string): string {
  return `${folder}/staging`;
}

/** Notes what has arrived; durable when it resolves. */
export function writeStaging(place: LogPlace, staged: StagedSnapshot): Promise<void> {
  const { storage, folder, group, limits } = place;
  const value = { group, partBytes: limits.snapshotPartBytes, ...staged };
  return storage.replace(stagingFile(folder), seal(MAGIC, value));
}

/** Nothing is arriving any more. */
export function removeStaging({ storage, folder }: LogPlace): Promise<void> {
  return storage.remove(stagingFile(folder));
}

/** What a snapshot has left that was arriving; undefined when there is none of use. */
export async function readStaging(place: LogPlace): Promise<StagedSnapshot | undefined> {
  const { storage, folder } = place;
  const bytes = await storage.read(stagingFile(folder));
  const found = bytes && parseStaging(place, bytes);
  if (!found) return undefined;
  const parts: number[] = [];
  for (const crc of found.parts) {
    const part = await storage.read(partFile(folder, found.serial, parts.length));
    if (part?.length !== place.limits.snapshotPartBytes) break;
    if (crc32(part, partSeed(place.group, found.serial, parts.length)) !== crc) break;
    parts.push(crc);
  }
  return parts.length > 0 ? { ...found, parts } : undefined;
}

function parseStaging(place: LogPlace, bytes: Uint8Array): StagedSnapshot | undefined {
  const { group, folder, limits } = place;
  try {
    const { value } = unseal(bytes, MAGIC, group, stagingFile(folder));
    const { serial, parts } = value;
    const meta = parseSnapshotMeta(value["meta"]);
    // Parts of another size cannot be gone on with.
    if (!meta || !isCount(serial) || value["partBytes"] !== limits.snapshotPartBytes) {
      return undefined;
    }
    return Array.isArray(parts) && parts.every(isCount) ? { meta, serial, parts } : undefined;
  } catch {
    return undefined;
  }
}
