/**
 * Codec: plain data to bytes and back.
 *
 * Guarantees: decode(encode(x)) equals x for undefined, null, booleans, numbers, bigints of 64 bits, strings, bytes,
 * typed arrays, dates, arrays, maps, sets and plain objects. Decoding runs no code of the sender's, makes no object with
 * the keys `__proto__`, `constructor` or `prototype`, and stops at limits of depth and count.
 */
export interface Codec {
  /** Bytes that stay valid after later calls. @throws {ERR_NOT_ENCODABLE} naming the path of what is not plain data. */
  encode(value: unknown): Uint8Array;
  /** @throws {ERR_NOT_DECODABLE} for anything that is not exactly one well-formed value within the limits. */
  decode(bytes: Uint8Array): unknown;
}
