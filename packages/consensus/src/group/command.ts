/**
 * Command: what a group's log holds for one proposal: the log time, whose it is, and its bytes.
 *
 * The tag names one start of one member, drawn at random, and the sequence one attempt of one of its
 * proposals. So whoever applies a command knows whether it is its own, whichever member led and
 * whether or not an answer of the leader arrived.
 */
import { ByteReader } from "./wire/byte-reader.js";
import { ByteWriter, VARINT_BYTES_MAX } from "./wire/byte-writer.js";
import { TAG_BYTES } from "./wire/format.js";

const FORMAT_VERSION = 1;

/** How much larger than its data a command may be. */
export const COMMAND_OVERHEAD_BYTES = 1 + TAG_BYTES + 2 * VARINT_BYTES_MAX;

/** The sequence of a tick, which nobody waits for. */
export const NO_SEQUENCE = 0;

export interface Command {
  readonly timeMs: number;
  readonly tag: Uint8Array;
  readonly sequence: number;
  /** Empty for a tick. */
  readonly data: Uint8Array;
}

export function encodeCommand(command: Command): Uint8Array {
  const { timeMs, tag, sequence, data } = command;
  const writer = new ByteWriter(COMMAND_OVERHEAD_BYTES + data.length);
  writer.byte(FORMAT_VERSION);
  writer.bytes(tag);
  writer.varint(timeMs);
  writer.varint(sequence);
  writer.bytes(data);
  return writer.finish();
}

/** @throws when a newer version made it: a member that skipped it would hold another state */
export function decodeCommand(bytes: Uint8Array): Command {
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  const tag = reader.bytes(TAG_BYTES);
  const timeMs = reader.varint();
  const sequence = reader.varint();
  const data = reader.rest();
  if (version === FORMAT_VERSION && !reader.isBroken) return { timeMs, tag, sequence, data };
  throw new Error(
    `a committed command is of format ${version}, and this version reads ${FORMAT_VERSION}: ` +
      "start the version that proposed it, or a newer one",
  );
}

export function isTag(tag: Uint8Array, other: Uint8Array): boolean {
  for (let i = 0; i < TAG_BYTES; i += 1) if (tag[i] !== other[i]) return false;
  return true;
}
