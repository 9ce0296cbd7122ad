/**
 * WebSocket frames byte by byte (RFC 6455 §5.2), written and read without any library: a suite that
 * checks a library must not share its mistakes, and has to write what no library would.
 */

export const Opcode = {
  continuation: 0,
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
} as const;

/** A frame as it is written; whether its header tells the truth is the case's business. */
export interface RawFrame {
  readonly opcode: number;
  readonly payload: Buffer;
  /** @default true */
  readonly fin?: boolean;
  /** The three reserved bits, 0 to 7. @default 0 */
  readonly rsv?: number;
}

const MASK_BYTES = 4;
/** Not all zero, so that unmasking is really done. */
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** The bytes of a frame; `masked` is what a client must do and a server must not. */
export function encodeFrame(frame: RawFrame, masked: boolean): Buffer {
  const { opcode, payload, fin = true, rsv = 0 } = frame;
  const length = lengthBytes(payload.length, masked);
  const head = Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode]);
  if (!masked) return Buffer.concat([head, length, payload]);
  const body = Buffer.from(payload);
  for (let i = 0; i < body.length; i += 1) {
    body[i] = (body[i] as number) ^ (MASK[i % MASK_BYTES] as number);
  }
  return Buffer.concat([head, length, MASK, body]);
}

function lengthBytes(length: number, masked: boolean): Buffer {
  const bit = masked ? 0x80 : 0;
  if (length < 126) return Buffer.from([bit | length]);
  if (length < 65_536) {
    const short = Buffer.from([bit | 126, 0, 0]);
    short.writeUInt16BE(length, 1);
    return short;
  }
  const long = Buffer.alloc(9);
  long[0] = bit | 127;
  long.writeBigUInt64BE(BigInt(length), 1);
  return long;
}

/** The payload of a close frame. */
export function closePayload(code: number, reason: Buffer | string = ""): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

/** A frame that came, with what a strict reader has to complain about. */
export interface ReadFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly payload: Buffer;
}

/** Splits a stream of bytes into frames; throws where the other side breaks the format itself. */
export class RawFrameReader {
  readonly #expectMask: boolean;
  #parts: Buffer[] = [];
  #sizeBytes = 0;
  /** Not looked at again before so many bytes are here: large frames come in many parts. */
  #wantedBytes = 2;

  constructor(expectMask: boolean) {
    this.#expectMask = expectMask;
  }

  push(bytes: Buffer): ReadFrame[] {
    this.#parts.push(bytes);
    this.#sizeBytes += bytes.length;
    const frames: ReadFrame[] = [];
    while (this.#sizeBytes >= this.#wantedBytes) {
      const frame = this.#take();
      if (frame === undefined) break;
      frames.push(frame);
    }
    return frames;
  }

  #take(): ReadFrame | undefined {
    const all = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    this.#parts = [all];
    const [first = 0, second = 0] = all;
    if ((first & 0x70) !== 0) throw new Error("the other side set a reserved bit");
    const masked = (second & 0x80) !== 0;
    if (masked !== this.#expectMask) throw new Error("the other side masks where it must not");
    const short = second & 0x7f;
    const headBytes = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (masked ? MASK_BYTES : 0);
    if (all.length < headBytes) return this.#wait(headBytes);
    const length =
      short === 126 ? all.readUInt16BE(2) : short === 127 ? Number(all.readBigUInt64BE(2)) : short;
    const end = headBytes + length;
    if (all.length < end) return this.#wait(end);
    const payload = Buffer.from(all.subarray(headBytes, end));
    if (masked) {
      const mask = all.subarray(headBytes - MASK_BYTES, headBytes);
      for (let i = 0; i < payload.length; i += 1) {
        payload[i] = (payload[i] as number) ^ (mask[i % MASK_BYTES] as number);
      }
    }
    this.#parts = end === all.length ? [] : [all.subarray(end)];
    this.#sizeBytes = all.length - end;
    this.#wantedBytes = 2;
    return { opcode: first & 0x0f, fin: (first & 0x80) !== 0, payload };
  }

  #wait(bytes: number): undefined {
    this.#wantedBytes = bytes;
    return undefined;
  }
}
