/**
 * Frame: many messages in one transport frame, routed by fixed binary headers without decoding a
 * payload.
 *
 * Layout, little-endian. A frame is one byte for its kind, then messages until its end. Data frames
 * are counted and use credit (see flow/); control frames are neither, and overtake waiting data:
 *
 *     type u8 | flags u8 | length u32 | fields | payload          length counts fields and payload
 *     message    subject u32  [trace 25]                          trace: 16 + 8 + 1 bytes, only if flagged
 *     request, stream    subject u32  request u32  deadline u32  [trace 25]    deadline: ms the caller still waits
 *     reply, failure, cancel, piece, end    request u32
 *     fence                                 number u32: see delivery/fence.ts
 *     chunk                                 total u32: bytes of the message it is a part of
 *     membership, control, gossip, relay    no fields             see plumtree/wire.ts, relay/frames.ts
 *     skip                                  no fields: space of a message that was taken back before it was written
 *     ping, pong, stream-window             request u32           in control frames only
 *     resume, window                        no fields             the same
 *
 * Invariants: the length comes before anything a newer version may add, so unknown types are
 * skipped and counted, never fatal; no field is read outside its message; the payload is a view,
 * nothing is copied to be routed.
 */
import { overlayErrors } from "../errors.js";
import type { Codec, TraceContext } from "@foundation/core";

/** The first byte of a frame; another one means another protocol version. */
export const FrameKind = { data: 1, control: 2 } as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];
/** The kind. */
export const FRAME_HEAD_BYTES = 1;
/** Type, flags, length. */
export const MESSAGE_HEAD_BYTES = 6;
export const TRACE_BYTES = 25;

export const MessageType = {
  skip: 0,
  message: 1,
  request: 2,
  reply: 3,
  failure: 4,
  cancel: 5,
  ping: 6,
  pong: 7,
  membership: 8,
  control: 9,
  chunk: 10,
  stream: 11,
  piece: 12,
  end: 13,
  fence: 14,
  gossip: 15,
  resume: 16,
  window: 17,
  streamWindow: 18,
  relay: 19,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

export const Flag = {
  /** 25 bytes of trace context follow the fixed fields. */
  trace: 1,
  /** Request-shaped: repeated until it is answered, and handled once. */
  acked: 4,
  /** The payload is its raw length u32, then deflated bytes. */
  compressed: 8,
  /** Of a chunk: the first of its message. */
  first: 16,
} as const;

/**
 * Bytes of the fixed fields of each type, trace excluded; -1: a type this version does not know.
 */
const FIELD_BYTES: readonly number[] = [
  0, 4, 12, 4, 4, 4, 4, 4, 0, 0, 4, 12, 4, 4, 4, 0, 0, 0, 4, 0,
];

export function fieldBytesOf(type: number): number {
  return FIELD_BYTES[type] ?? -1;
}

const NOTHING = new Uint8Array(0);
/** Bytes that are given to a handler as a part of their frame may keep so many times their size. */
const SHARE_MAX = 8;

/**
 * Reads one frame after another without allocating; its fields describe the message that `next`
 * moved to.
 */
export class FrameReader {
  /** Its frames belong to it alone: what is decoded may be a part of them. */
  ownsFrames = false;
  /** What kind of frame is being read. */
  kind: FrameKind = FrameKind.data;
  type: number = MessageType.skip;
  flags = 0;
  subject = 0;
  requestId = 0;
  deadlineMs = 0;
  /** Messages of unknown types skipped since the reader was made. */
  unknown = 0;

  #frame: Uint8Array = NOTHING;
  #at = 0;
  #messageAt = 0;
  #traceAt = -1;
  /** What holds the payload: the frame, or what was compressed in it. */
  #body: Uint8Array = NOTHING;
  #payloadAt = 0;
  #end = 0;

  /** Begins a frame. @throws {ERR_FRAME_MALFORMED} when it is empty or of another version. */
  begin(frame: Uint8Array): void {
    this.#frame = frame;
    this.#at = FRAME_HEAD_BYTES;
    this.#end = FRAME_HEAD_BYTES;
    const kind = frame[0];
    if (kind !== FrameKind.data && kind !== FrameKind.control) {
      const found = frame.length === 0 ? "nothing" : `kind ${kind}`;
      throw malformed(`expected a frame of kind 1 or 2, found ${found}`, 0);
    }
    this.kind = kind;
  }

  /** Lets go of a frame that was read: a view of it may hold much more memory than itself. */
  end(): void {
    this.#frame = NOTHING;
    this.#body = NOTHING;
    this.#at = 0;
  }

  /**
   * Moves to the next known message; false at the end of the frame. @throws {ERR_FRAME_MALFORMED}
   */
  next(): boolean {
    const frame = this.#frame;
    while (this.#at < frame.length) {
      const at = this.#at;
      if (frame.length - at < MESSAGE_HEAD_BYTES)
        throw malformed("a message header is cut off", at);
      const length = readU32(frame, at + 2);
      const fieldsAt = at + MESSAGE_HEAD_BYTES;
      if (length > frame.length - fieldsAt)
        throw malformed("a message is longer than its frame", at);
      this.#at = fieldsAt + length;
      this.type = frame[at] as number;
      this.flags = frame[at + 1] as number;
      if (this.type === MessageType.skip) continue;
      if (fieldBytesOf(this.type) < 0) {
        this.unknown += 1;
        continue;
      }
      if (this.kind === FrameKind.control && !isControl(this.type))
        throw malformed(`a message of type ${this.type} in a control frame`, at);
      this.#readFields(fieldsAt, length);
      return true;
    }
    return false;
  }

  /** The payload, a view of the frame. */
  payload(): Uint8Array {
    return this.#body.subarray(this.#payloadAt, this.#end);
  }

  /** What the payload was before it was compressed stands in its place from now on. */
  replacePayload(raw: Uint8Array): void {
    this.#body = raw;
    this.#payloadAt = 0;
    this.#end = raw.length;
  }

  /** The message alone, as a frame of its own: a copy. */
  copyMessage(): Uint8Array {
    const message = this.#frame.subarray(this.#messageAt, this.#at);
    const frame = new Uint8Array(FRAME_HEAD_BYTES + message.length);
    frame[0] = this.kind;
    frame.set(message, FRAME_HEAD_BYTES);
    return frame;
  }

  /** The payload's value. @throws {ERR_NOT_DECODABLE} */
  decode(codec: Codec): unknown {
    // A part keeps all of the memory it lies in.
    const isLarge = this.payloadBytes * SHARE_MAX >= this.#body.buffer.byteLength;
    return codec.decode(this.#body, this.#payloadAt, this.#end, this.ownsFrames && isLarge);
  }

  get payloadBytes(): number {
    return this.#end - this.#payloadAt;
  }

  /** The trace context, if the message carries a well-formed one. */
  trace(): TraceContext | undefined {
    return this.#traceAt < 0 ? undefined : readTrace(this.#frame, this.#traceAt);
  }

  #readFields(at: number, length: number): void {
    const frame = this.#frame;
    const { type } = this;
    const hasDeadline = type === MessageType.request || type === MessageType.stream;
    const mayTrace = hasDeadline || type === MessageType.message;
    const traced = mayTrace && (this.flags & Flag.trace) !== 0;
    const fieldBytes = fieldBytesOf(type) + (traced ? TRACE_BYTES : 0);
    if (length < fieldBytes) throw malformed("a message is shorter than its fields", at);
    if (type === MessageType.message) {
      this.subject = readU32(frame, at);
    } else if (hasDeadline) {
      this.subject = readU32(frame, at);
      this.requestId = readU32(frame, at + 4);
      this.deadlineMs = readU32(frame, at + 8);
    } else if (fieldBytes === 4) {
      this.requestId = readU32(frame, at);
    }
    this.#traceAt = traced ? at + fieldBytes - TRACE_BYTES : -1;
    this.#messageAt = at - MESSAGE_HEAD_BYTES;
    this.#body = frame;
    this.#payloadAt = at + fieldBytes;
    this.#end = at + length;
  }
}

function isControl(type: number): boolean {
  if (type === MessageType.ping || type === MessageType.pong) return true;
  return type >= MessageType.resume && type <= MessageType.streamWindow;
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >>> 8) & 0xff;
  bytes[at + 2] = (value >>> 16) & 0xff;
  bytes[at + 3] = value >>> 24;
}

/** Six bytes: what counts bytes and frames of one connection never ends within them. */
export function readU48(bytes: Uint8Array, at: number): number {
  return (
    readU32(bytes, at) + ((bytes[at + 4] as number) + (bytes[at + 5] as number) * 256) * 2 ** 32
  );
}

export function writeU48(bytes: Uint8Array, at: number, value: number): void {
  writeU32(bytes, at, value % 2 ** 32);
  const high = Math.floor(value / 2 ** 32);
  bytes[at + 4] = high & 0xff;
  bytes[at + 5] = high >>> 8;
}

/** Writes a trace context; the ids are hexadecimal by their type. */
export function writeTrace(bytes: Uint8Array, at: number, trace: TraceContext): void {
  for (let i = 0; i < 16; i += 1) bytes[at + i] = hexByteAt(trace.traceId, i);
  for (let i = 0; i < 8; i += 1) bytes[at + 16 + i] = hexByteAt(trace.spanId, i);
  bytes[at + 24] = trace.flags & 0xff;
}

/** The trace context that was written; undefined: it is none. */
export function readTrace(bytes: Uint8Array, at: number): TraceContext | undefined {
  const traceId = hexOf(bytes, at, 16);
  const spanId = hexOf(bytes, at + 16, 8);
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, flags: bytes[at + 24] as number };
}

function hexByteAt(text: string, index: number): number {
  return Number.parseInt(text.slice(2 * index, 2 * index + 2), 16) & 0xff;
}

/** Lower-case hexadecimal text of a range of bytes. */
export function hexOf(bytes: Uint8Array, at = 0, count = bytes.length - at): string {
  let text = "";
  for (let i = at; i < at + count; i += 1)
    text += (bytes[i] as number).toString(16).padStart(2, "0");
  return text;
}

function malformed(reason: string, offset: number): Error {
  return overlayErrors.ERR_FRAME_MALFORMED(
    `A peer sent a malformed frame: ${reason} (at byte ${offset}). Its connection is closed; compare the versions.`,
    { reason, offset },
  );
}
