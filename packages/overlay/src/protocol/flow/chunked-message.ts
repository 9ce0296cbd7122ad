/**
 * ChunkedMessage: one large message on its way out, cut into frames only when they can be written.
 *
 * The chunks of a message, put together, are the very bytes that it would have had in a frame of
 * its own: type, flags, length, fields, payload. A lane sends one after the other, so the receiver
 * has at most one message in parts for each lane, and order needs no numbers.
 *
 * Invariants: every chunk but the last has `chunkBytes`; a message that was taken back before its
 * first chunk (its type is `skip`) leaves no frame.
 */
import { assert } from "../assert.js";
import { Flag, FRAME_HEAD_BYTES, FrameKind, MessageType } from "../frame.js";
import { CHUNK_HEAD_BYTES, layOut, writeChunkHead } from "./chunk-layout.js";

/** Memory is taken for so many times what has come of a message. */
const GROWTH = 32;
const NOTHING = new Uint8Array(0);

/** The payload of a chunk, compressed; undefined: as it is. */
export type Compress = (part: Uint8Array) => Uint8Array | undefined;

export class ChunkedMessage {
  readonly sizeBytes: number;
  /** What its frames lie in, where it is the message's own. */
  memory: Uint8Array | undefined;
  /** Where the type of the message stands until its first chunk has left. */
  readonly #head: Uint8Array;
  readonly #chunkBytes: number;
  readonly #make: (at: number, bytes: number) => Uint8Array;
  #at = 0;

  private constructor(
    head: Uint8Array,
    sizeBytes: number,
    chunkBytes: number,
    make: (at: number, bytes: number) => Uint8Array,
  ) {
    this.#head = head;
    this.sizeBytes = sizeBytes;
    this.#chunkBytes = chunkBytes;
    this.#make = make;
  }

  /**
   * Of a head and fields, as in a frame, and a payload that stays the caller's: each chunk is made
   * when it leaves.
   */
  static of(
    head: Uint8Array,
    payload: Uint8Array,
    chunkBytes: number,
    compress?: Compress,
  ): ChunkedMessage {
    assert(head.length < chunkBytes, "the first chunk holds the whole head");
    const sizeBytes = head.length + payload.length;
    const partOf = (at: number, bytes: number) => {
      if (at > 0) return payload.subarray(at - head.length, at - head.length + bytes);
      const part = new Uint8Array(bytes);
      part.set(head);
      part.set(payload.subarray(0, bytes - head.length), head.length);
      return part;
    };
    return new ChunkedMessage(head, sizeBytes, chunkBytes, (at, bytes) => {
      const raw = partOf(at, bytes);
      const small = compress?.(raw);
      const flags = small === undefined ? 0 : Flag.compressed;
      return chunkOf(small ?? raw, sizeBytes, at === 0 ? flags | Flag.first : flags);
    });
  }

  /** That lies in `memory`, which is its own from now on, behind a gap for the heads of its chunks. */
  static within(
    memory: Uint8Array,
    gapBytes: number,
    sizeBytes: number,
    chunkBytes: number,
  ): ChunkedMessage {
    const frames = layOut(memory, gapBytes, sizeBytes, chunkBytes);
    const [first] = frames;
    assert(first !== undefined, "a message has a chunk");
    const head = first.subarray(CHUNK_HEAD_BYTES);
    const message = new ChunkedMessage(head, sizeBytes, chunkBytes, (at) => {
      const frame = frames[at / chunkBytes];
      assert(frame !== undefined, "there is a frame for every part");
      return frame;
    });
    message.memory = memory;
    return message;
  }

  get leftBytes(): number {
    return this.sizeBytes - this.#at;
  }

  /** Begins with the message's own head: its first byte is its type. */
  get head(): Uint8Array {
    return this.#head;
  }

  get isTakenBack(): boolean {
    return this.#at === 0 && this.#head[0] === MessageType.skip;
  }

  /** The next frame; there is one while `leftBytes` is above 0. */
  next(): Uint8Array {
    const bytes = Math.min(this.#chunkBytes, this.leftBytes);
    assert(bytes > 0, "a message that has left has no further chunk");
    const frame = this.#make(this.#at, bytes);
    this.#at += bytes;
    return frame;
  }
}

function chunkOf(part: Uint8Array, totalBytes: number, flags: number): Uint8Array {
  const frame = new Uint8Array(CHUNK_HEAD_BYTES + part.length);
  writeChunkHead(frame, 0, part.length, totalBytes, flags);
  frame.set(part, CHUNK_HEAD_BYTES);
  return frame;
}

/**
 * One message in chunks, as far as it is here; one for each lane.
 *
 * Each part is written where it will lie in the end. Memory is taken for what has come and, at most,
 * GROWTH times as much beyond it: a peer that claims a large message and sends little of it costs
 * little, and a message of the usual size is written once.
 */
export class Assembly {
  /** The frame of the message, from its first byte on. */
  #memory: Uint8Array = NOTHING;
  #bytes = 0;
  #totalBytes = 0;

  /** Bytes that are kept for what has come. */
  get sizeBytes(): number {
    return this.#memory.length;
  }

  /**
   * Takes the next chunk: the whole message as a frame once it is complete, undefined before. A
   * first one begins anew: a sender may have given up the message before. Answers why not, as a
   * text, when the chunk does not fit those before it.
   */
  add(
    part: Uint8Array,
    totalBytes: number,
    isFirst: boolean,
    totalBytesMax: number,
  ): Uint8Array | string | undefined {
    if (!isFirst && this.#bytes === 0) return "a part of a message without its beginning";
    if (isFirst) {
      this.clear();
      if (totalBytes > totalBytesMax) return `a message of ${totalBytes} bytes`;
      this.#totalBytes = totalBytes;
    }
    if (part.length === 0 || totalBytes !== this.#totalBytes) return "a part of another message";
    const bytes = this.#bytes + part.length;
    if (bytes > totalBytes) return "a part beyond the end of its message";
    this.#reserve(FRAME_HEAD_BYTES + bytes);
    this.#memory.set(part, FRAME_HEAD_BYTES + this.#bytes);
    this.#bytes = bytes;
    if (bytes < totalBytes) return undefined;
    const frame = this.#memory;
    frame[0] = FrameKind.data;
    this.clear();
    return frame;
  }

  /** Forgets what is here: the rest will not come. */
  clear(): void {
    this.#memory = NOTHING;
    this.#bytes = 0;
    this.#totalBytes = 0;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#memory.length) return;
    const size = Math.min(FRAME_HEAD_BYTES + this.#totalBytes, GROWTH * bytes);
    // Not cleared: all of it is written before anybody sees it.
    const memory = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
    memory.set(this.#memory.subarray(0, FRAME_HEAD_BYTES + this.#bytes));
    this.#memory = memory;
  }
}
