/**
 * What the shell puts before the machine's bytes of a snapshot: the log time, which is part of the
 * replicated state although no machine need keep it.
 */
import { SNAPSHOT_STEP_BYTES } from "../limits.js";
import type { SnapshotReader } from "../storage/snapshot-reader.js";
import { ByteReader } from "./wire/byte-reader.js";
import { ByteWriter, VARINT_BYTES_MAX } from "./wire/byte-writer.js";

const FORMAT_VERSION = 1;

export interface SnapshotHead {
  readonly timeMs: number;
  /** Where the machine's bytes begin. */
  readonly offset: number;
}

export function encodeHead(timeMs: number): Uint8Array {
  const writer = new ByteWriter(1 + VARINT_BYTES_MAX);
  writer.byte(FORMAT_VERSION);
  writer.varint(timeMs);
  return writer.finish();
}

/** @throws when a newer version made the snapshot */
export async function readHead(reader: SnapshotReader): Promise<SnapshotHead> {
  const bytes = await reader.read(0, 1 + VARINT_BYTES_MAX);
  const head = new ByteReader(bytes);
  const version = head.byte();
  const timeMs = head.varint();
  if (version === FORMAT_VERSION && !head.isBroken) {
    return { timeMs, offset: encodeHead(timeMs).length };
  }
  throw new Error(
    `a snapshot is of format ${version}, and this version reads ${FORMAT_VERSION}: start the ` +
      "version that took it, or a newer one",
  );
}

/** The bytes behind the head. */
export async function* machineBytes(
  reader: SnapshotReader,
  head: SnapshotHead,
): AsyncGenerator<Uint8Array> {
  for (let offset = head.offset; offset < reader.sizeBytes; ) {
    const chunk = await reader.read(offset, SNAPSHOT_STEP_BYTES);
    offset += chunk.length;
    yield chunk;
  }
}
