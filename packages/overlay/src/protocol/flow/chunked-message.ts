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
import { Flag, FRAME_HEAD_BYTES, FrameKind, MESSAGE_HEAD_BYTES, MessageType } from "../frame.js";
import { fieldBytesOf, writeU32 } from "../frame.js";

const CHUNK_HEAD_BYTES = FRAME_HEAD_BYTES + MESSAGE_HEAD_BYTES + 4;

export class ChunkedMessage {
  readonly sizeBytes: number;
  /** Where the type of the message is until its first chunk has left. */
  readonly #head: Uint8Array;
  readonly #headAt: number;
  readonly #payload: Uint8Array;
  readonly #chunkBytes: number;
  /** The frames, where they are made already. */
  #frames: Uint8Array[] | undefined;
  #at = 0;

  /**
   * @param head the message's own head and fields, as in a frame; frames are made of it and the
   *   payload one by one
   */
  constructor(head: Uint8Array, payload: Uint8Array, chunkBytes: number) {
    assert(head.length <= chunkBytes, "the first chunk holds the whole head");
    assert(fieldBytesOf(MessageType.chunk) === 4, "a chunk carries the size of its message");
    this.#head = head;
    this.#headAt = 0;
    this.#payload = payload;
    this.#chunkBytes = chunkBytes;
    this.sizeBytes = head.length + payload.length;
  }

  /** A message that lies in `memory` behind a gap for the heads of its chunks. */
  static within(
    memory: Uint8Array,
    gapBytes: number,
    contentBytes: number,
    chunkBytes: number,
  ): ChunkedMessage {
    const whole = memory.subarray(0, contentBytes);
    const message = new ChunkedMessage(NOTHING, whole, chunkBytes);
    const frames = layOut(memory, gapBytes, contentBytes, chunkBytes);
    const first = frames[0];
    assert(first !== undefined, "a message has at least one chunk");
    return Object.assign(message, { frames: message.#use(frames) && undefined });
  }

  get leftBytes(): number {
    return this.sizeBytes - this.#at;
  }

  get isTakenBack(): boolean {
    return this.#at === 0 && this.#head[this.#headAt] === MessageType.skip;
  }

  /** The next frame; there is one while `leftBytes` is above 0. */
  next(): Uint8Array {
    const bytes = Math.min(this.#chunkBytes, this.leftBytes);
    assert(bytes > 0, "a message that has left has no further chunk");
    const index = this.#at / this.#chunkBytes;
    const frame = this.#frames?.[index] ?? this.#make(bytes);
    this.#at += bytes;
    return frame;
  }

  #make(bytes: number): Uint8Array {
    const frame = new Uint8Array(CHUNK_HEAD_BYTES + bytes);
    writeChunkHead(frame, 0, bytes, this.sizeBytes, this.#at === 0);
    const headBytes = this.#head.length;
    if (this.#at === 0) frame.set(this.#head, CHUNK_HEAD_BYTES);
    const from = Math.max(0, this.#at - headBytes);
    const part = this.#payload.subarray(from, this.#at + bytes - headBytes);
    frame.set(part, CHUNK_HEAD_BYTES + (this.#at === 0 ? headBytes : 0));
    return frame;
  }
}

/** The parts of one message that are here so far; one for each lane. */
export class Assembly {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #totalBytes = 0;

  /** Bytes that are here. */
  get sizeBytes(): number {
    return this.#bytes;
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
    if (this.#bytes + part.length > totalBytes) return "a part beyond the end of its message";
    this.#parts.push(part);
    this.#bytes += part.length;
    return this.#bytes === totalBytes ? this.#whole() : undefined;
  }

  /** Forgets what is here: the rest will not come. */
  clear(): void {
    this.#parts = [];
    this.#bytes = 0;
    this.#totalBytes = 0;
  }

  #whole(): Uint8Array {
    const frame = new Uint8Array(FRAME_HEAD_BYTES + this.#totalBytes);
    frame[0] = FrameKind.data;
    let at = FRAME_HEAD_BYTES;
    for (const part of this.#parts) {
      frame.set(part, at);
      at += part.length;
    }
    this.clear();
    return frame;
  }
}
