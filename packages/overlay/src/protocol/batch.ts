/**
 * BatchWriter: gathers the messages of one turn into frames.
 *
 * Why: one message per WebSocket frame reaches a tenth of the rate that batches reach. Frames are
 * views of a slab that is never written twice, because a frame belongs to the connection once it
 * was handed over; a slab serves many small frames, so a lone request costs no allocation of 64
 * KiB.
 *
 * Invariants: messages leave in the order they were appended; a sealed frame is at most `bytesMax`;
 * bytes before `#start` are never touched again, except by `retract` of a frame that was not handed
 * over yet.
 */
import { assert } from "./assert.js";
import {
  Flag,
  FRAME_HEAD_BYTES,
  FRAME_VERSION,
  fieldBytesOf,
  MESSAGE_HEAD_BYTES,
  MessageType,
  TRACE_BYTES,
  writeTrace,
  writeU32,
} from "./frame.js";
import type { TraceContext } from "@foundation/core";

/**
 * Where an appended message lies, so that it can be taken back while its frame was not handed over.
 */
export interface Position {
  slab: Uint8Array;
  at: number;
  /** Number of the frame it is part of, counted from 0. */
  frame: number;
}

const EMPTY = new Uint8Array(0);
/** Less room than this at the end of a slab is not worth starting a frame in. */
const TAIL_BYTES = 4 * 1024;

export class BatchWriter {
  /** Frames sealed so far: the number of the frame being written. */
  frames = 0;
  /** Where the last message was put. Reused: copy what you keep. */
  readonly last: Position = { slab: EMPTY, at: 0, frame: 0 };

  readonly #seal: (frame: Uint8Array) => void;
  readonly #batchBytes: number;
  #slab: Uint8Array;
  #start = 0;
  #at = 0;

  /** @param seal takes each finished frame, in order */
  constructor(batchBytes: number, seal: (frame: Uint8Array) => void) {
    this.#batchBytes = batchBytes;
    this.#seal = seal;
    this.#slab = EMPTY;
  }

  /** Bytes appended and not sealed yet. */
  get pendingBytes(): number {
    return this.#at - this.#start;
  }

  /** Appends one message; fields that its type does not have are ignored. */
  append(
    type: MessageType,
    flags: number,
    subject: number,
    requestId: number,
    deadlineMs: number,
    trace: TraceContext | undefined,
    payload: Uint8Array,
  ): void {
    const fieldBytes = fieldBytesOf(type) + (trace === undefined ? 0 : TRACE_BYTES);
    const length = fieldBytes + payload.length;
    this.#reserve(MESSAGE_HEAD_BYTES + length);
    const slab = this.#slab;
    let at = this.#at;
    this.last.slab = slab;
    this.last.at = at;
    this.last.frame = this.frames;
    slab[at] = type;
    slab[at + 1] = trace === undefined ? flags : flags | Flag.trace;
    writeU32(slab, at + 2, length);
    at += MESSAGE_HEAD_BYTES;
    if (type === MessageType.message) {
      writeU32(slab, at, subject);
      at += 4;
    } else if (type === MessageType.request) {
      writeU32(slab, at, subject);
      writeU32(slab, at + 4, requestId);
      writeU32(slab, at + 8, deadlineMs);
      at += 12;
    } else if (fieldBytes >= 4) {
      writeU32(slab, at, requestId);
      at += 4;
    }
    if (trace !== undefined) {
      writeTrace(slab, at, trace);
      at += TRACE_BYTES;
    }
    slab.set(payload, at);
    this.#at = at + payload.length;
    assert(this.#at <= slab.length, "a message stays within its slab");
    if (this.pendingBytes >= this.#batchBytes) this.seal();
  }

  /** Finishes the frame being written, if it holds anything. */
  seal(): void {
    if (this.#at === this.#start) return;
    const frame = this.#slab.subarray(this.#start, this.#at);
    this.#start = this.#at;
    this.frames += 1;
    this.#seal(frame);
  }

  /** Makes room for a message, in the frame being written or in a new one. */
  #reserve(messageBytes: number): void {
    const fresh = this.#at === this.#start;
    const needed = fresh ? FRAME_HEAD_BYTES + messageBytes : messageBytes;
    if (this.#at + needed > this.#slab.length || (fresh && this.#tailBytes < TAIL_BYTES)) {
      this.seal();
      const sizeBytes = Math.max(this.#batchBytes + TAIL_BYTES, FRAME_HEAD_BYTES + messageBytes);
      this.#slab = new Uint8Array(sizeBytes);
      this.#start = 0;
      this.#at = 0;
    }
    if (this.#at === this.#start) {
      this.#slab[this.#at] = FRAME_VERSION;
      this.#at += FRAME_HEAD_BYTES;
    }
  }

  get #tailBytes(): number {
    return this.#slab.length - this.#at;
  }
}

/** Takes a message back that was not handed over: the receiver skips its bytes. */
export function retract(position: Position): void {
  position.slab[position.at] = MessageType.skip;
}
