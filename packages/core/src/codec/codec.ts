/**
 * createCodec: plain data as MessagePack, by msgpackr between two checks of our own.
 *
 * Before encoding, `plain-data.ts` refuses what would not arrive as it was sent; before decoding, `wire-scan.ts` refuses
 * what could do harm. msgpackr's generated readers are built from shapes that come over the wire, so records are neither
 * written nor accepted: nothing here ever reaches `new Function`. Its native string extractor is not loaded either.
 *
 * Known differences: lone surrogates arrive as U+FFFD (texts are UTF-8); a hole in an array arrives as undefined;
 * symbol keys and properties of arrays do not travel.
 */
import { Packr } from "msgpackr/pack";
import { coreErrors } from "../errors/errors.js";
import type { Codec } from "../ports/codec.js";
import { box, BOXED_MARK, unbox } from "./boxing.js";
import { codecLimits, type CodecLimits } from "./limits.js";
import { inspectValue } from "./plain-data.js";
import { findProblem } from "./problem-path.js";
import { scanValue } from "./wire-scan.js";

/**
 * Plain data to bytes and back.
 *
 * @example
 * ```ts
 * import { createCodec } from "@foundation/core"
 *
 * const codec = createCodec()
 * const bytes = codec.encode({ id: "o-1", tags: new Set(["new"]), at: new Date(0) })
 * console.log(codec.decode(bytes))
 * ```
 */
export function createCodec(limits: Partial<CodecLimits> = {}): Codec {
  return new MessagePackCodec({ ...codecLimits, ...limits });
}

class MessagePackCodec implements Codec {
  readonly #limits: CodecLimits;
  /** `useRecords: false` writes plain maps; `copyBuffers` keeps decoded bytes from holding on to a whole frame. */
  readonly #packr = new Packr({
    useRecords: false,
    moreTypes: true,
    variableMapSize: true,
    copyBuffers: true,
    useToJSON: false,
  });

  constructor(limits: CodecLimits) {
    this.#limits = limits;
  }

  encode(value: unknown): Uint8Array {
    try {
      switch (inspectValue(value, this.#limits)) {
        case "plain":
          return this.#packr.pack(value);
        case "boxed":
          return this.#packBoxed(value);
        case "refused":
          throw notEncodable(value, this.#limits);
      }
    } catch (error) {
      // A getter or a proxy of the caller's may throw anything, at any step.
      throw coreErrors.ERR_NOT_ENCODABLE.is(error) ? error : notReadable(error);
    }
  }

  encodeInto(value: unknown, target: Uint8Array, at: number): number {
    const encoded = this.encode(value);
    const end = at + encoded.length;
    if (end > target.length) return -1;
    target.set(encoded, at);
    return end;
  }

  decode(source: Uint8Array, start = 0, end = source?.length): unknown {
    if (!(source instanceof Uint8Array)) throw notDecodable("it is not a Uint8Array");
    const bytes = start === 0 && end === source.length ? source : source.subarray(start, end);
    const boxed = bytes[0] === BOXED_MARK;
    const problem = scanValue(bytes, boxed ? 1 : 0, this.#limits);
    if (problem !== undefined) throw notDecodable(problem);
    try {
      const packed = asBuffer(boxed ? bytes.subarray(1) : bytes);
      return boxed ? unbox(this.#packr.unpack(packed)) : this.#packr.unpack(packed);
    } catch (error) {
      throw notDecodable(error instanceof Error ? error.message : String(error), error);
    }
  }

  #packBoxed(value: unknown): Uint8Array {
    const packed = this.#packr.pack(box(value));
    const marked = new Uint8Array(packed.length + 1);
    marked[0] = BOXED_MARK;
    marked.set(packed, 1);
    return marked;
  }
}

/** msgpackr reads texts about twice as fast from a Buffer. */
function asBuffer(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function notEncodable(value: unknown, limits: CodecLimits): Error {
  const { path, found } = findProblem(value, limits);
  return coreErrors.ERR_NOT_ENCODABLE(
    `The value at ${path} cannot be sent to another node: it is ${found}. ` +
      "Send plain objects, arrays, strings, numbers, dates, maps, sets and bytes.",
    { path, found },
  );
}

function notReadable(cause: unknown): Error {
  return coreErrors.ERR_NOT_ENCODABLE(
    "The value cannot be sent to another node: one of its own getters or proxies threw while it was read " +
      "(see the cause). Send plain objects, arrays, strings, numbers, dates, maps, sets and bytes.",
    { path: "$", found: "an object that threw while it was read" },
    cause,
  );
}

function notDecodable(reason: string, cause?: unknown): Error {
  const message = `Received bytes are not a well-formed value: ${reason}`;
  return coreErrors.ERR_NOT_DECODABLE(message, { reason }, cause);
}
