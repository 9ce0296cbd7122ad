/**
 * FrameSplitter: the frames of a WebSocket (RFC 6455 §5.2) as nodes send them, cut out of what its stream reads.
 *
 * `ws` leads each chunk through a stream of its own and each message through two events, which costs more than all that a
 * small message needs besides. Nodes send whole binary frames, not compressed, with a mask of zero where they have dialled:
 * those are cut here. Whatever else begins (close, ping, text, a part of a message, another mask, more than is allowed, a
 * broken rule) is left to `ws` with everything behind it, so that one judge knows the rules.
 *
 * Invariants: each byte is part of one frame or of the rest, in order; the rest begins where a frame does; what is kept of a
 * frame that is not complete is no more than that frame, in no more than `chunksMax` pieces.
 */

/** FIN, and the opcode of a binary frame. */
const BINARY = 0x82;
const MASKED = 0x80;
const MASK_BYTES = 4;
/** There is too little of a frame to tell. */
const UNKNOWN = 0;
const NOT_OURS = -1;

export interface FrameSplitterOptions {
  /** The other side has dialled: its frames have a mask. */
  readonly isMasked: boolean;
  /** Of one frame without its header. */
  readonly frameBytesMax: number;
  readonly chunksMax: number;
}

export class FrameSplitter {
  readonly #mask: number;
  readonly #frameBytesMax: number;
  readonly #chunksMax: number;
  readonly #take: (frame: Uint8Array) => void;
  /** What has come of a frame that is not complete, its header included; or the rest. */
  #kept: Buffer[] = [];
  #keptBytes = 0;
  /** All of that frame. */
  #wholeBytes = UNKNOWN;
  /** Of the frame that was looked at last. */
  #headBytes = 0;

  /** @param take takes each frame when it is complete; it belongs to the receiver */
  constructor(options: FrameSplitterOptions, take: (frame: Uint8Array) => void) {
    this.#mask = options.isMasked ? MASKED : 0;
    this.#frameBytesMax = options.frameBytesMax;
    this.#chunksMax = options.chunksMax;
    this.#take = take;
  }

  /** Takes the next chunk. False: what is left, and all that follows, is for `ws`. */
  read(chunk: Buffer): boolean {
    if (this.#keptBytes === 0) return this.#split(chunk, 0);
    if (this.#wholeBytes === UNKNOWN) return this.#split(Buffer.concat([...this.rest(), chunk]), 0);
    const missingBytes = this.#wholeBytes - this.#keptBytes;
    if (chunk.length < missingBytes) {
      this.#keep(chunk);
      return this.#kept.length < this.#chunksMax;
    }
    this.#take(this.#joined(chunk, missingBytes));
    return this.#split(chunk, missingBytes);
  }

  /** Gives what was read and not cut, in order; it is not here any more. */
  rest(): readonly Buffer[] {
    const kept = this.#kept;
    this.#kept = [];
    this.#keptBytes = 0;
    return kept;
  }

  #split(chunk: Buffer, from: number): boolean {
    const { length } = chunk;
    let at = from;
    while (at < length) {
      const wholeBytes = this.#measure(chunk, at);
      if (wholeBytes <= 0 || wholeBytes > length - at) {
        this.#wholeBytes = wholeBytes;
        this.#keep(at === 0 ? chunk : chunk.subarray(at));
        return wholeBytes !== NOT_OURS;
      }
      const frame = viewOf(chunk, at + this.#headBytes, at + wholeBytes);
      at += wholeBytes;
      this.#take(frame);
    }
    return true;
  }

  /** Bytes of the frame that begins there, with its header. */
  #measure(chunk: Buffer, at: number): number {
    const leftBytes = chunk.length - at;
    if (chunk[at] !== BINARY) return NOT_OURS;
    if (leftBytes < 2) return UNKNOWN;
    const second = chunk[at + 1] as number;
    if ((second & MASKED) !== this.#mask) return NOT_OURS;
    let frameBytes = second & 0x7f;
    let headBytes = 2;
    if (frameBytes === 126) {
      if (leftBytes < 4) return UNKNOWN;
      frameBytes = chunk.readUInt16BE(at + 2);
      headBytes = 4;
    } else if (frameBytes === 127) {
      if (leftBytes < 10) return UNKNOWN;
      if (chunk.readUInt32BE(at + 2) !== 0) return NOT_OURS;
      frameBytes = chunk.readUInt32BE(at + 6);
      headBytes = 10;
    }
    if (frameBytes > this.#frameBytesMax) return NOT_OURS;
    if (this.#mask !== 0) {
      if (leftBytes < headBytes + MASK_BYTES) return UNKNOWN;
      if (chunk.readUInt32BE(at + headBytes) !== 0) return NOT_OURS;
      headBytes += MASK_BYTES;
    }
    this.#headBytes = headBytes;
    return headBytes + frameBytes;
  }

  #keep(chunk: Buffer): void {
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
  }

  /** The frame of which the beginning is kept and the end begins a chunk. */
  #joined(chunk: Buffer, missingBytes: number): Uint8Array {
    const frame = Buffer.allocUnsafe(this.#wholeBytes - this.#headBytes);
    let at = -this.#headBytes;
    for (const part of this.rest()) {
      frame.set(at < 0 ? part.subarray(-at) : part, Math.max(0, at));
      at += part.length;
    }
    frame.set(chunk.subarray(0, missingBytes), at);
    return frame;
  }
}

/** Cheaper than `subarray`, which asks for the kind of its source first. */
function viewOf({ buffer, byteOffset }: Buffer, from: number, to: number): Uint8Array {
  return new Uint8Array(buffer, byteOffset + from, to - from);
}
