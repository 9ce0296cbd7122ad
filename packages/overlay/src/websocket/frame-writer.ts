/**
 * FrameWriter: binary frames of a WebSocket (RFC 6455 §5.2), written to its stream.
 *
 * `ws` makes two objects of options, a header and two writes of each frame, which the socket gathers again. A frame of ours
 * is whole and not compressed, and its mask is zero, so all there is to add is a header. Everything else that a WebSocket
 * says (close, ping, pong) is said by `ws`: both write whole frames to one stream, in order.
 */
import type { Duplex } from "node:stream";

/** FIN, and the opcode of a binary frame. */
const BINARY = 0x82;
const MASKED = 0x80;
const MASK_BYTES = 4;
/** Lengths above these stand in two bytes, and in eight. */
const LENGTH_7_MAX = 125;
const LENGTH_16_MAX = 0xffff;
/** Up to here a frame is copied behind its header, which costs less than to have the socket gather two pieces. */
const COPIED_BYTES_MAX = 3 * 1024;

const NOTHING = new Uint8Array(0);

export class FrameWriter {
  readonly #stream: Duplex;
  /** What clients send has a mask (RFC 6455 §5.1); a zero one leaves the bytes as they are. */
  readonly #isMasked: boolean;
  /** The last small frame was with the system when `write` returned, so the next one probably will be. */
  #isTaken = true;

  constructor(stream: Duplex, isMasked: boolean) {
    this.#stream = stream;
    this.#isMasked = isMasked;
  }

  /** @param written called when nothing of the frame is needed any more, or the stream has ended */
  write(frame: Uint8Array, written: () => void): void {
    const stream = this.#stream;
    const { length } = frame;
    const headBytes = this.#headBytesOf(length);
    if (length <= COPIED_BYTES_MAX) {
      const whole = Buffer.allocUnsafe(headBytes + length);
      this.#writeHead(whole, length);
      whole.set(frame, headBytes);
      this.#writeWhole(whole, written);
      return;
    }
    const head = Buffer.allocUnsafe(headBytes);
    this.#writeHead(head, length);
    stream.cork();
    stream.write(head);
    stream.write(frame, written);
    stream.uncork();
  }

  /** To be called a stream takes a tick of its own for each frame, though mostly all is done when it returns. */
  #writeWhole(whole: Buffer, written: () => void): void {
    const stream = this.#stream;
    if (!this.#isTaken) {
      stream.write(whole, written);
      this.#isTaken = stream.writableLength === 0;
      return;
    }
    stream.write(whole);
    if (stream.writableLength === 0) return written();
    this.#isTaken = false;
    // It is called behind all that was written before.
    stream.write(NOTHING, written);
  }

  #headBytesOf(length: number): number {
    const lengthBytes = length <= LENGTH_7_MAX ? 2 : length <= LENGTH_16_MAX ? 4 : 10;
    return this.#isMasked ? lengthBytes + MASK_BYTES : lengthBytes;
  }

  #writeHead(target: Buffer, length: number): void {
    const masked = this.#isMasked ? MASKED : 0;
    target[0] = BINARY;
    let at = 2;
    if (length <= LENGTH_7_MAX) {
      target[1] = masked | length;
    } else if (length <= LENGTH_16_MAX) {
      target[1] = masked | 126;
      target[2] = length >>> 8;
      target[3] = length;
      at = 4;
    } else {
      target[1] = masked | 127;
      target.writeBigUInt64BE(BigInt(length), 2);
      at = 10;
    }
    if (masked !== 0) target.writeUInt32LE(0, at);
  }
}
