/**
 * Witness: a second file that says how far the log was durable at least.
 *
 * The end of a log alone cannot tell a torn write from damage to the last write that was acknowledged, nor notice that a
 * whole file is gone. So after each sync the number of the batch is appended here, without a sync of its own and without
 * anybody waiting. After a power cut it says less than was durable, never more; after damage to the log it says what the
 * log must contain. Broken marks are passed over: they only say less.
 *
 * A file is a sealed document and marks of 24 bytes: CRC-32 u32 | 0x4b4d u16 | 0 u16 | segment u64 | batch u64.
 */
import { crc32 } from "node:zlib";
import type { Storage } from "@foundation/core/ports";
import { isCount } from "../protocol/raft/shape.js";
import { damaged } from "./log-errors.js";
import { readCount, writeCount } from "./record.js";
import { seal, unseal } from "./sealed-document.js";

const MAGIC = "FNDRAFTW";
const MARK_BYTES = 24;
const MARK = 0x4b4d;

/** What was durable: the newest segment, and the last batch; 0 for none. */
export interface Testimony {
  readonly segment: number;
  readonly batch: number;
}

export function witnessFile(folder: string): string {
  return `${folder}/witness`;
}

/**
 * What the witness says; undefined when there is none.
 * @throws {ERR_LOG_DAMAGED} when its beginning is not whole.
 */
export function readWitness(
  bytes: Uint8Array | undefined,
  file: string,
  group: string,
): Testimony | undefined {
  if (!bytes) return undefined;
  const { value, sizeBytes, crc } = unseal(bytes, MAGIC, group, file);
  if (!isCount(value["segment"]) || !isCount(value["batch"])) {
    throw damaged(file, 0, "the header lacks a number");
  }
  let segment = value["segment"];
  let batch = value["batch"];
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = sizeBytes; at + MARK_BYTES <= view.length; at += MARK_BYTES) {
    if (view.readUInt16LE(at + 4) !== MARK) continue;
    if (crc32(view.subarray(at + 4, at + MARK_BYTES), crc) !== view.readUInt32LE(at)) continue;
    segment = Math.max(segment, readCount(view, at + 8));
    batch = Math.max(batch, readCount(view, at + 16));
  }
  return { segment, batch };
}

export class Witness {
  readonly #storage: Storage;
  readonly #file: string;
  readonly #group: string;
  readonly #bytesMax: number;
  #sizeBytes = 0;
  #seed = 0;
  /** What is being written; `close` waits for it. */
  #writing: Promise<void> | undefined;
  /** What to write next. */
  #next: Testimony | undefined;
  #isStopped = false;

  constructor(storage: Storage, folder: string, group: string, bytesMax: number) {
    this.#storage = storage;
    this.#file = witnessFile(folder);
    this.#group = group;
    this.#bytesMax = bytesMax;
  }

  /**
   * Writes the file anew, durably.
   * @throws {ERR_STORAGE}
   */
  async begin(testimony: Testimony): Promise<void> {
    const bytes = seal(MAGIC, { group: this.#group, ...testimony });
    await this.#storage.replace(this.#file, bytes);
    this.#sizeBytes = bytes.length;
    this.#seed = Buffer.from(bytes).readUInt32LE(bytes.length - 4);
    this.#isStopped = false;
  }

  /** Notes what is durable now. Nothing waits for it, and of several that wait the newest counts. */
  note(testimony: Testimony): void {
    if (this.#isStopped) return;
    this.#next = testimony;
    this.#writing ??= this.#write();
  }

  /** Waits until nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    try {
      while (this.#next && !this.#isStopped) {
        const next = this.#next;
        this.#next = undefined;
        if (this.#sizeBytes + MARK_BYTES > this.#bytesMax) await this.begin(next);
        else {
          await this.#storage.append(this.#file, this.#mark(next));
          this.#sizeBytes += MARK_BYTES;
        }
      }
    } catch {
      // It says less than it could. Where the disk does not write, the log's own writes fail too.
      this.#isStopped = true;
      this.#next = undefined;
    } finally {
      this.#writing = undefined;
    }
  }

  #mark({ segment, batch }: Testimony): Uint8Array {
    const bytes = Buffer.alloc(MARK_BYTES);
    bytes.writeUInt16LE(MARK, 4);
    writeCount(bytes, segment, 8);
    writeCount(bytes, batch, 16);
    bytes.writeUInt32LE(crc32(bytes.subarray(4), this.#seed), 0);
    return bytes;
  }
}
