/**
 * ByteWriter: puts numbers, texts and bytes of one message behind each other.
 *
 * The caller says how large the message may become, so nothing grows. What is small is put together
 * in memory that is used again and copied once it is known how long it is: for a small array, that
 * costs less than a view on a larger one, and keeps less memory alive.
 * Numbers are in LEB128: seven bits a byte, the lowest first; most are small.
 */
const encoder = new TextEncoder();

const SCRATCH_BYTES = 4_096;
const scratch = new Uint8Array(SCRATCH_BYTES);
/** One writer at a time has it. */
let isScratchFree = true;

/** Bytes of the largest number there is, 2⁵³ - 1. */
export const VARINT_BYTES_MAX = 8;

export class ByteWriter {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @param sizeBytesMax at least what will be written */
  constructor(sizeBytesMax: number) {
    if (isScratchFree && sizeBytesMax <= SCRATCH_BYTES) {
      isScratchFree = false;
      this.#bytes = scratch;
    } else this.#bytes = new Uint8Array(sizeBytesMax);
  }

  byte(value: number): void {
    this.#bytes[this.#at] = value;
    this.#at += 1;
  }

  /** A non-negative integer of less than 2⁵³. */
  varint(value: number): void {
    let rest = value;
    // Bit operations are of 32 bits.
    while (rest >= 0x8000_0000) {
      this.byte((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      this.byte((rest & 127) | 128);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  bytes(value: Uint8Array): void {
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** Length, then the bytes. */
  block(value: Uint8Array): void {
    this.varint(value.length);
    this.bytes(value);
  }

  text(value: string): void {
    this.block(encoder.encode(value));
  }

  /** What was written; nothing may be written after it. */
  finish(): Uint8Array {
    if (this.#bytes !== scratch) return this.#bytes.subarray(0, this.#at);
    isScratchFree = true;
    return scratch.slice(0, this.#at);
  }
}
