/**
 * Codec: plain data to bytes and back.
 *
 * Guarantees: decode(encode(x)) equals x for undefined, null, booleans, numbers, bigints of 64 bits, strings, bytes,
 * typed arrays, dates, arrays, maps, sets and plain objects. Decoding runs no code of the sender's, makes no object with
 * the keys `__proto__`, `constructor` or `prototype`, and stops at limits of depth and count. An `Encoded` is the value its
 * bytes stand for.
 */
export interface Codec {
  /** Bytes that stay valid after later calls. @throws {ERR_NOT_ENCODABLE} naming the path of what is not plain data. */
  encode(value: unknown): Uint8Array;
  /**
   * Writes what `encode` would give into `target` from the offset `at` on, and answers the offset behind it; -1 when it
   * does not fit, or only just (a codec may want some bytes of room more): then it is not known yet whether it can be
   * encoded at all; make room, or use `encode`. Bytes of `target` behind the answer, and all from `at` on after -1 or an
   * error, may have been written to.
   *
   * @throws {ERR_NOT_ENCODABLE} as `encode` does
   */
  encodeInto(value: unknown, target: Uint8Array, at: number): number;
  /**
   * The value of the bytes from `start` to `end` (default: all). What it gives shares no memory with them, unless they
   * are given away: then a byte value that is most of them may be a view.
   *
   * @throws {ERR_NOT_DECODABLE} for anything that is not exactly one well-formed value within the limits.
   */
  decode(bytes: Uint8Array, start?: number, end?: number, isGiven?: boolean): unknown;
  /**
   * What `decode(encode(value))` gives, which is how it is made where this is absent; a codec may do it without bytes.
   * @throws {ERR_NOT_ENCODABLE} as `encode` does
   */
  copy?(value: unknown): unknown;
}
