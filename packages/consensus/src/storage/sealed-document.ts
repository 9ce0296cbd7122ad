/**
 * A sealed document: a small JSON value in bytes that say what they are, of which version, and that they are whole.
 *
 * Headers of segments, manifests of snapshots and the witness begin with one. Its frame is the same in every version of
 * the format, so an older program can tell a newer file from a damaged one:
 *
 *   magic (8 ASCII bytes) | version u16 | 0 u16 | length u32 | JSON (UTF-8) | CRC-32 of all before u32
 */
import { crc32 } from "node:zlib";
import { consensusErrors } from "../errors.js";
import { isRecord } from "../protocol/raft/shape.js";
import { damaged } from "./log-errors.js";

/** The version of the format that this program writes, and the newest that it reads. */
export const FORMAT_VERSION = 1;

const MAGIC_BYTES = 8;
const HEAD_BYTES = 16;
const CRC_BYTES = 4;

export interface SealedDocument {
  readonly value: Record<string, unknown>;
  readonly sizeBytes: number;
  /** Its checksum: also what the checksums of records behind it begin with. */
  readonly crc: number;
}

export function seal(magic: string, value: Record<string, unknown>): Uint8Array {
  const text = Buffer.from(JSON.stringify(value), "utf8");
  const bytes = Buffer.alloc(HEAD_BYTES + text.length + CRC_BYTES);
  bytes.write(magic, "latin1");
  bytes.writeUInt16LE(FORMAT_VERSION, MAGIC_BYTES);
  bytes.writeUInt32LE(text.length, 12);
  bytes.set(text, HEAD_BYTES);
  const end = HEAD_BYTES + text.length;
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end)), end);
  return bytes;
}

/**
 * Opens the document at the beginning of a file of the group.
 * @throws {ERR_LOG_DAMAGED} when it is not whole.
 * @throws {ERR_LOG_FORMAT} when it is of a newer version.
 * @throws {ERR_LOG_FOREIGN} when it is another group's.
 */
export function unseal(
  bytes: Uint8Array,
  magic: string,
  group: string,
  file: string,
): SealedDocument {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length < HEAD_BYTES + CRC_BYTES) throw damaged(file, 0, "the header is cut short");
  if (view.toString("latin1", 0, MAGIC_BYTES) !== magic) {
    throw damaged(file, 0, `it does not begin with ${JSON.stringify(magic)}`);
  }
  const end = HEAD_BYTES + view.readUInt32LE(12);
  if (end + CRC_BYTES > view.length) throw damaged(file, 0, "the header is cut short");
  const crc = view.readUInt32LE(end);
  if (crc32(view.subarray(0, end)) !== crc) {
    throw damaged(file, 0, "the header's checksum does not fit");
  }
  const version = view.readUInt16LE(MAGIC_BYTES);
  if (version !== FORMAT_VERSION) throw newer(file, version);
  const value: unknown = JSON.parse(view.toString("utf8", HEAD_BYTES, end));
  if (!isRecord(value)) throw damaged(file, 0, "the header is not an object");
  if (value["group"] !== group) throw foreign(file, group, String(value["group"]));
  return { value, sizeBytes: end + CRC_BYTES, crc };
}

function newer(file: string, found: number): Error {
  return consensusErrors.ERR_LOG_FORMAT(
    `"${file}" has format version ${found}, this program reads ${FORMAT_VERSION}: ` +
      "start the version of Foundation that wrote it; nothing was changed",
    { file, found, supported: FORMAT_VERSION },
  );
}

function foreign(file: string, expected: string, found: string): Error {
  return consensusErrors.ERR_LOG_FOREIGN(
    `"${file}" belongs to the group ${found}, not to ${expected}: ` +
      "each group needs a folder of its own; put the right files back",
    { file, expected, found },
  );
}
