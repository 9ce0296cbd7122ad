/**
 * ByteReader: takes apart what a ByteWriter put together, of a peer that may be faulty.
 *
 * Invariant: it never reads beyond the end. Once something does not fit, `isBroken` stays true and
 * what is read is empty, so a decoder checks once, at its end.
 */
const decoder = new TextDecoder("utf-8", { fatal: true });
const NOTHING = new Uint8Array(0);

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at: number;
  isBroken = false;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Everything was read, and nothing was missing. */
  get isDone(): boolean {
    return !this.isBroken && this.#at === this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) return this.#broken();
    this.#at += 1;
    return value;
  }

  /** A number of less than 2⁵². */
  varint(): number {
    let value = 0;
    let unit = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 127) * unit;
      if (byte < 128) break;
      unit *= 128;
      if (unit >= 2 ** 52) return this.#broken();
    }
    return value < 2 ** 52 ? value : this.#broken();
  }

  /** A view of the next bytes. */
  bytes(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) {
      this.#broken();
      return NOTHING;
    }
    const found = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return found;
  }

  /** A view of a block of at most `lengthMax`. */
  block(lengthMax: number): Uint8Array {
    const length = this.varint();
    if (length <= lengthMax) return this.bytes(length);
    this.#broken();
    return NOTHING;
  }

  text(lengthMax: number): string {
    const bytes = this.block(lengthMax);
    try {
      return decoder.decode(bytes);
    } catch {
      this.#broken();
      return "";
    }
  }

  /** Everything that is left. */
  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#at);
  }

  #broken(): 0 {
    this.isBroken = true;
    this.#at = this.#bytes.length;
    return 0;
  }
}
