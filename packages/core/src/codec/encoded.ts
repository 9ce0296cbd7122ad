/**
 * Encoded: bytes that a codec has made, in the place of the value they stand for.
 *
 * Who keeps values encoded sends them without decoding: `encode` gives these bytes, `encodeInto` copies them, and who
 * receives them gets the value. Only as the whole message; within another value they are refused as any instance of a class.
 *
 * @example
 * ```ts
 * import { createCodec, Encoded } from "@foundation/core"
 *
 * const codec = createCodec()
 * const kept = codec.encode({ id: "o-1" })
 * console.log(codec.decode(codec.encode(new Encoded(kept)))) // { id: "o-1" }
 * ```
 */
export class Encoded {
  /** @param bytes made by `encode` of the same codec; never changed */
  constructor(readonly bytes: Uint8Array) {}
}
