/**
 * ByteWriter: puts numbers, texts and bytes of one message behind each other.
 *
 * The caller says how large the message may become, so nothing grows and nothing is copied twice.
 * Numbers are in LEB128: seven bits a byte, the lowest first; most are small.
 */
const encoder = new TextEncoder();

/** Bytes of the largest number there is, 2⁵³ - 1. */
export const VARINT_BYTES_MAX = 8;

export class ByteWriter {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @param sizeBytesMax at least what will be written */
  constructor(sizeBytesMax: number) {
    this.#bytes = new Uint8Array(sizeBytesMax);
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

  /** What was written. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }
}
