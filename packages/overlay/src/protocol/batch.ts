/**
 * BatchWriter: gathers the messages of one turn into frames.
 *
 * Why: one message per WebSocket frame reaches a tenth of the rate that batches reach. Frames are
 * views of a slab that is never written twice, because a frame belongs to the connection once it
 * was handed over. A slab serves a few frames of the size this link usually writes: a node has
 * hundreds of links and most say little, so a quiet one keeps 2 KiB, not a full batch: what it has of
 * a busier time it gives up when it is asked to (`rest`). A frame that outgrows its slab moves to one
 * of twice the size.
 *
 * Invariants: messages leave in the order they were appended; a sealed frame is at most a batch and
 * `SPARE_BYTES`, or one message; bytes before `#start` are never touched again, except by `retract`
 * of a frame that was not handed over yet.
 */
import { assert } from "./assert.js";
import {
  Flag,
  FRAME_HEAD_BYTES,
  FrameKind,
  fieldBytesOf,
  MESSAGE_HEAD_BYTES,
  MessageType,
  TRACE_BYTES,
  writeTrace,
  writeU32,
} from "./frame.js";
import type { Codec, TraceContext } from "@foundation/core";

/**
 * Where an appended message lies, so that it can be taken back while its frame was not handed over.
 */
export interface Position {
  within: OpenFrame;
  /** Offset in that frame. */
  at: number;
  /** Number of the frame it is part of, counted from 0. */
  frame: number;
}

/** Where a frame begins; it changes when the frame moves to a larger slab. */
export interface OpenFrame {
  slab: Uint8Array;
  start: number;
}

const EMPTY = new Uint8Array(0);
/** The position before anything was appended. */
export const NOWHERE: OpenFrame = { slab: EMPTY, start: 0 };
/** A frame may exceed a batch by so much: its last message began below it. */
const SPARE_BYTES = 4 * 1024;
const SLAB_BYTES_MIN = 2 * 1024;
/** What a slab must have left for a payload of unknown size to be tried in it. */
const ROOM_BYTES = 256;
/** A new slab has room for so many frames of the usual size. */
const FRAMES_PER_SLAB = 4;
/** A slab with so many times the room that is wanted is given back: the burst it served is over. */
const OVERSIZE_MAX = 4;
/** Smaller slabs are not worth to be used again. */
const REUSED_BYTES_MIN = 32 * 1024;

/** Where large slabs come from; they are given back by whoever has written their last frame. */
export interface SlabMemory {
  /** Of at least so many bytes. */
  take(bytes: number): Uint8Array;
  /** The writer has more than a quiet one keeps: it is to be told to `rest` until it has not. */
  lent(to: BatchWriter): void;
}

/**
 * Takes a finished frame, and the slab it lies in when it is the last one of a slab that may be used
 * again once the frame has been written.
 */
export type OnSealed = (frame: Uint8Array, messages: number, slab: Uint8Array | undefined) => void;

export class BatchWriter {
  /** Frames sealed so far: the number of the frame being written. */
  frames = 0;
  /** Where the last message was put. Reused: copy what you keep. */
  readonly last: Position = { within: NOWHERE, at: 0, frame: 0 };

  readonly #seal: OnSealed;
  readonly #batchBytes: number;
  readonly #kind: FrameKind;
  readonly #memory: SlabMemory | undefined;
  #slab: Uint8Array = EMPTY;
  #start = 0;
  #at = 0;
  #open = NOWHERE;
  /** In the frame being written. */
  #messages = 0;
  /** A codec writes into the slab: a getter of the value's could come back here. */
  #encoding = false;
  /** Size of recent frames: the largest, sinking by a quarter with each smaller one. */
  #usualBytes = 0;
  /** Its slab is more than a quiet link keeps. */
  #isLarge = false;
  /** What `frames` was when it was last told to rest. */
  #framesBefore = -1;

  /** @param seal takes each finished frame, in order, and how many messages it holds */
  constructor(
    batchBytes: number,
    seal: OnSealed,
    kind: FrameKind = FrameKind.data,
    memory?: SlabMemory,
  ) {
    this.#memory = memory;
    this.#batchBytes = batchBytes;
    this.#seal = seal;
    this.#kind = kind;
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
    assert(!this.#encoding, "a value sends nothing on its own way out");
    this.#reserve(headBytesOf(type, trace) + payload.length);
    const slab = this.#slab;
    const at = this.#at;
    const payloadAt = writeHead(slab, at, type, flags, subject, requestId, deadlineMs, trace);
    slab.set(payload, payloadAt);
    this.#appended(at, payloadAt + payload.length);
  }

  /**
   * Appends one message whose payload the codec writes in place; false: it does not fit what is
   * left of the slab, so it has to be encoded first.
   *
   * @throws {ERR_NOT_ENCODABLE} and nothing was appended
   */
  appendValue(
    type: MessageType,
    flags: number,
    subject: number,
    requestId: number,
    deadlineMs: number,
    trace: TraceContext | undefined,
    codec: Codec,
    value: unknown,
  ): boolean {
    assert(!this.#encoding, "a value sends nothing on its own way out");
    this.#reserve(headBytesOf(type, trace) + ROOM_BYTES);
    const slab = this.#slab;
    const at = this.#at;
    let end = -1;
    this.#encoding = true;
    try {
      end = codec.encodeInto(value, slab, at + headBytesOf(type, trace));
    } finally {
      this.#encoding = false;
      // A frame that was begun for this message alone is not begun.
      if (end < 0 && this.pendingBytes === FRAME_HEAD_BYTES) this.#at = this.#start;
    }
    if (end < 0) return false;
    writeHead(slab, at, type, flags, subject, requestId, deadlineMs, trace);
    this.#appended(at, end);
    return true;
  }

  /** A message lies from `at` to `end`. */
  #appended(at: number, end: number): void {
    const slab = this.#slab;
    writeU32(slab, at + 2, end - at - MESSAGE_HEAD_BYTES);
    this.last.within = this.#open;
    this.last.at = at - this.#start;
    this.last.frame = this.frames;
    this.#at = end;
    this.#messages += 1;
    assert(this.#at <= slab.length, "a message stays within its slab");
    if (this.pendingBytes >= this.#batchBytes) this.seal();
  }

  /** A message that leaves by itself: it takes the number of a frame, after those before it. */
  skipFrame(within: OpenFrame): void {
    this.seal();
    this.last.within = within;
    this.last.at = 0;
    this.last.frame = this.frames;
    this.frames += 1;
  }

  /** Finishes the frame being written, if it holds anything. */
  seal(): void {
    if (this.#at === this.#start) return;
    const frame = this.#slab.subarray(this.#start, this.#at);
    this.#usualBytes = Math.max(frame.length, this.#usualBytes - (this.#usualBytes >> 2));
    this.#start = this.#at;
    this.frames += 1;
    const messages = this.#messages;
    this.#messages = 0;
    this.#seal(frame, messages, this.#finishedSlab());
  }

  /**
   * Gives up a large slab, if nothing was written since this was last called. Answers whether the
   * writer has none, so that it need not be asked again.
   */
  rest(): boolean {
    if (this.frames !== this.#framesBefore || this.pendingBytes > 0) {
      this.#framesBefore = this.frames;
      return false;
    }
    this.#slab = EMPTY;
    this.#start = 0;
    this.#at = 0;
    this.#open = NOWHERE;
    this.last.within = NOWHERE;
    this.#usualBytes = 0;
    this.#isLarge = false;
    return true;
  }

  /** The slab, if it has no room for another frame and may be used again. */
  #finishedSlab(): Uint8Array | undefined {
    const slab = this.#slab;
    if (this.#memory === undefined || slab.length < REUSED_BYTES_MIN) return undefined;
    if (slab.length - this.#at >= this.#usualBytes) return undefined;
    this.#slab = EMPTY;
    this.#start = 0;
    this.#at = 0;
    return slab;
  }

  /** Makes room for a message, in the frame being written or in a new one. */
  #reserve(messageBytes: number): void {
    const { pendingBytes } = this;
    if (pendingBytes > 0) {
      if (this.#at + messageBytes <= this.#slab.length) return;
      const frameBytes = pendingBytes + messageBytes;
      if (frameBytes <= this.#batchBytes + SPARE_BYTES) return this.#move(frameBytes);
      this.seal();
    }
    const frameBytes = FRAME_HEAD_BYTES + messageBytes;
    const leftBytes = this.#slab.length - this.#at;
    const wantedBytes = Math.max(SLAB_BYTES_MIN, this.#usualBytes * FRAMES_PER_SLAB);
    const isTooSmall = leftBytes < Math.max(frameBytes, this.#usualBytes);
    if (isTooSmall || leftBytes > wantedBytes * OVERSIZE_MAX) {
      this.#takeSlab(frameBytes, wantedBytes);
    }
    this.#open = { slab: this.#slab, start: this.#start };
    this.#slab[this.#at] = this.#kind;
    this.#at += FRAME_HEAD_BYTES;
  }

  /** The frame being written goes on in a larger slab. */
  #move(frameBytes: number): void {
    const written = this.#slab.subarray(this.#start, this.#at);
    this.#takeSlab(frameBytes, 2 * this.#slab.length);
    this.#slab.set(written);
    this.#at = written.length;
    this.#open.slab = this.#slab;
    this.#open.start = 0;
  }

  #takeSlab(neededBytes: number, wantedBytes: number): void {
    const usefulBytes = Math.min(wantedBytes, this.#batchBytes + SPARE_BYTES);
    const bytes = Math.max(usefulBytes, neededBytes);
    const isReused = this.#memory !== undefined && bytes >= REUSED_BYTES_MIN;
    this.#slab = isReused ? this.#memory.take(bytes) : new Uint8Array(bytes);
    this.#start = 0;
    this.#at = 0;
    if (this.#isLarge || bytes <= SLAB_BYTES_MIN) return;
    this.#isLarge = true;
    this.#memory?.lent(this);
  }
}

/** Bytes of a message before its payload. */
export function headBytesOf(type: MessageType, trace: TraceContext | undefined): number {
  return MESSAGE_HEAD_BYTES + fieldBytesOf(type) + (trace === undefined ? 0 : TRACE_BYTES);
}

/** Writes all of a message before its payload but its length; answers where the payload begins. */
export function writeHead(
  slab: Uint8Array,
  at: number,
  type: MessageType,
  flags: number,
  subject: number,
  requestId: number,
  deadlineMs: number,
  trace: TraceContext | undefined,
): number {
  slab[at] = type;
  slab[at + 1] = trace === undefined ? flags : flags | Flag.trace;
  let next = at + MESSAGE_HEAD_BYTES;
  if (type === MessageType.message) {
    writeU32(slab, next, subject);
    next += 4;
  } else if (type === MessageType.request || type === MessageType.stream) {
    writeU32(slab, next, subject);
    writeU32(slab, next + 4, requestId);
    writeU32(slab, next + 8, deadlineMs);
    next += 12;
  } else if (fieldBytesOf(type) === 4) {
    writeU32(slab, next, requestId);
    next += 4;
  }
  if (trace !== undefined) {
    writeTrace(slab, next, trace);
    next += TRACE_BYTES;
  }
  return next;
}

/** Takes a message back that was not handed over: the receiver skips its bytes. */
export function retract({ within, at }: Position): void {
  within.slab[within.start + at] = MessageType.skip;
}
