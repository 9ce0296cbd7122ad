/**
 * Records: what a segment consists of behind its header. All numbers are little-endian.
 *
 *   CRC-32 u32 | length of the body u32 | 0x4c52 u16 | type u8 | flags u8 | batch u64 | body
 *   body of an entry:       index u64 | term u64 | data
 *   body of a hard state:   term u64 | commit u64 | vote (text, empty for none)
 *
 * The checksum covers what follows it and begins with the one of the segment's header, so a record of another segment
 * never passes for one of this. Records of one write carry one batch number, the last of them a flag: a batch counts
 * whole or not at all, and which batch a record belongs to tells a torn end from a damaged middle (`segment-scan.ts`).
 */
import { crc32 } from "node:zlib";
import { isNodeId } from "@foundation/core";
import { parseConfiguration } from "../protocol/raft/configuration.js";
import type { Entry, HardState } from "../protocol/raft/entry.js";
import { VOTE_BYTES_MAX } from "./limits.js";

export const RECORD_HEAD_BYTES = 20;
const POSITION_BYTES = 16;
const MARK = 0x4c52;
const LAST_OF_BATCH = 1;
/** Entries that are read one after the other have one memory of this size. */
const SLICE_BYTES = 16_384;
const TWO_32 = 0x1_0000_0000;

const TYPES = { command: 1, configuration: 2, empty: 3, "hard-state": 4 } as const;
const HARD_STATE = TYPES["hard-state"];

/** One thing to write. */
export type Recordable = Entry | ({ readonly type: "hard-state" } & HardState);

/** The bytes that go into a record beside its numbers. */
export function payloadOf(item: Recordable): Uint8Array {
  switch (item.type) {
    case "command":
      return item.data;
    case "configuration":
      return Buffer.from(JSON.stringify(item.configuration), "utf8");
    case "empty":
      return NOTHING;
    case "hard-state":
      return item.vote === undefined ? NOTHING : Buffer.from(item.vote, "latin1");
  }
}

const NOTHING = new Uint8Array(0);

export function recordBytes(payload: Uint8Array): number {
  return RECORD_HEAD_BYTES + POSITION_BYTES + payload.length;
}

/** The records of one batch, in one piece. There must be at least one. */
export function encodeBatch(
  items: readonly Recordable[],
  payloads: readonly Uint8Array[],
  batch: number,
  seed: number,
): Uint8Array {
  let sizeBytes = 0;
  for (const payload of payloads) sizeBytes += recordBytes(payload);
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let at = 0;
  items.forEach((item, i) => {
    const payload = payloads[i] as Uint8Array;
    const end = at + recordBytes(payload);
    bytes.writeUInt32LE(POSITION_BYTES + payload.length, at + 4);
    bytes.writeUInt16LE(MARK, at + 8);
    bytes[at + 10] = TYPES[item.type];
    bytes[at + 11] = i === items.length - 1 ? LAST_OF_BATCH : 0;
    writeCount(bytes, batch, at + 12);
    const isState = item.type === "hard-state";
    writeCount(bytes, isState ? item.term : item.index, at + 20);
    writeCount(bytes, isState ? item.commit : item.term, at + 28);
    bytes.set(payload, at + 36);
    bytes.writeUInt32LE(crc32(bytes.subarray(at + 4, end), seed), at);
    at = end;
  });
  return bytes;
}

/** Looks at the records of a segment's bytes, one at a time, without making an object for each. */
export class RecordCursor {
  readonly #bytes: Buffer;
  readonly #seed: number;
  /** A copy of what stands from `#sliceAt` on: entries that follow each other share one piece of memory. */
  #slice: Uint8Array = NOTHING;
  #sliceAt = 0;
  /** Of the record that was read last. */
  at = 0;
  end = 0;
  batch = 0;
  isLastOfBatch = false;

  /** @param seed the checksum of the segment's header */
  constructor(bytes: Uint8Array, seed: number) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#seed = seed;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  /** False when there is no whole record at the offset. */
  read(offset: number): boolean {
    const bytes = this.#bytes;
    if (offset + RECORD_HEAD_BYTES + POSITION_BYTES > bytes.length) return false;
    if (bytes.readUInt16LE(offset + 8) !== MARK) return false;
    const length = bytes.readUInt32LE(offset + 4);
    const end = offset + RECORD_HEAD_BYTES + length;
    if (length < POSITION_BYTES || end > bytes.length) return false;
    const crc = bytes.readUInt32LE(offset);
    if (crc32(bytes.subarray(offset + 4, end), this.#seed) !== crc) return false;
    this.#take(offset, end);
    return true;
  }

  /** Reads a record that `read` has found whole before. */
  readAgain(offset: number): void {
    this.#take(offset, offset + RECORD_HEAD_BYTES + this.#bytes.readUInt32LE(offset + 4));
  }

  get isHardState(): boolean {
    return this.#bytes[this.at + 10] === HARD_STATE;
  }

  get index(): number {
    return readCount(this.#bytes, this.at + 20);
  }

  get term(): number {
    return readCount(this.#bytes, this.at + (this.isHardState ? 20 : 28));
  }

  /** The hard state; undefined when it is none that this program writes. */
  hardState(): HardState | undefined {
    const payload = this.#payload();
    if (payload.length > VOTE_BYTES_MAX) return undefined;
    const vote = payload.length === 0 ? undefined : payload.toString("latin1");
    if (vote !== undefined && !isNodeId(vote)) return undefined;
    return { term: this.term, vote, commit: readCount(this.#bytes, this.at + 28) };
  }

  /** The entry, with bytes that nobody writes to; undefined when it is none that this program writes. */
  entry(): Entry | undefined {
    const { index, term } = this;
    switch (this.#bytes[this.at + 10]) {
      case TYPES.command:
        return { type: "command", index, term, data: this.#data() };
      case TYPES.empty:
        return { type: "empty", index, term };
      case TYPES.configuration: {
        const configuration = parseConfiguration(fromJson(this.#payload().toString("utf8")));
        return configuration && { type: "configuration", index, term, configuration };
      }
      default:
        return undefined;
    }
  }

  /** True when the record's content is one that this program writes; a command may be anything. */
  isKnown(): boolean {
    const type = this.#bytes[this.at + 10];
    if (type === TYPES.command || type === TYPES.empty) return true;
    return type === HARD_STATE ? this.hardState() !== undefined : this.entry() !== undefined;
  }

  /**
   * The payload, with a few neighbours' instead of the whole segment's memory behind it. An array for each entry would
   * cost more than its content.
   */
  #data(): Uint8Array {
    const from = this.at + RECORD_HEAD_BYTES + POSITION_BYTES;
    const { end } = this;
    if (from < this.#sliceAt || end > this.#sliceAt + this.#slice.length) {
      this.#sliceAt = from;
      this.#slice = new Uint8Array(this.#bytes.subarray(from, Math.max(end, from + SLICE_BYTES)));
    }
    return this.#slice.subarray(from - this.#sliceAt, end - this.#sliceAt);
  }

  #payload(): Buffer {
    return this.#bytes.subarray(this.at + RECORD_HEAD_BYTES + POSITION_BYTES, this.end);
  }

  #take(offset: number, end: number): void {
    this.at = offset;
    this.end = end;
    this.isLastOfBatch = this.#bytes[offset + 11] === LAST_OF_BATCH;
    this.batch = readCount(this.#bytes, offset + 12);
  }
}

export function writeCount(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value % TWO_32, at);
  bytes.writeUInt32LE(Math.floor(value / TWO_32), at + 4);
}

export function readCount(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * TWO_32;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
