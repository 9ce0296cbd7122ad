/**
 * createCodec: plain data as MessagePack.
 *
 * `value-writer.ts` checks and writes in one pass, `value-reader.ts` reads and checks in one. What MessagePack cannot
 * tell apart is boxed first (`boxing.ts`), and what cannot be sent is looked for a second time, slowly, to name the path
 * (`problem-path.ts`). Why there is code of our own here: docs/decisions/0008-codec.md.
 *
 * Invariants: each message is complete in itself, so it can be relayed and fanned out unread; no code is generated.
 *
 * Known differences: lone surrogates arrive as U+FFFD (texts are UTF-8); a hole in an array arrives as undefined;
 * symbol keys and properties of arrays do not travel.
 */
import { coreErrors } from "../errors/errors.js";
import type { Codec } from "../ports/codec.js";
import { box, BOXED_MARK, unbox } from "./boxing.js";
import { Encoded } from "./encoded.js";
import { codecLimits, type CodecLimits } from "./limits.js";
import { copySimple, NOT_SIMPLE } from "./plain-copy.js";
import { inspectValue } from "./plain-data.js";
import { findProblem } from "./problem-path.js";
import { readValue, refusal, REFUSED } from "./value-reader.js";
import { type Grow, lastTarget, NOT_PLAIN, type WriteOptions, writeValue } from "./value-writer.js";

/** Encoded messages are views of a slab that is never written twice; one that outlives the others holds on to it. */
const SLAB_BYTES = 8 * 1024;
/** A slab with less room is left. */
const SLAB_ROOM_MIN = 512;
/** What is larger than a slab is written here first, and then copied to memory of just its size. */
const SCRATCH_BYTES_MIN = 64 * 1024;
const SCRATCH_BYTES_MAX = 1024 * 1024;

const NOTHING = Buffer.alloc(0);

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
  readonly #plain: WriteOptions;
  /** Boxing puts -0 and the like into a list of their own, one level deeper. */
  readonly #boxed: WriteOptions;
  #slab: Buffer = NOTHING;
  #slabAt = 0;
  #scratch: Uint8Array = NOTHING;

  constructor(limits: CodecLimits) {
    this.#plain = { ...limits, boxed: false };
    this.#boxed = { ...limits, depthMax: limits.depthMax + 1, boxed: true };
  }

  encode(value: unknown): Uint8Array {
    if (value instanceof Encoded) return value.bytes;
    const slab = this.#slab.length - this.#slabAt < SLAB_ROOM_MIN ? newSlab() : this.#slab;
    const at = slab === this.#slab ? this.#slabAt : 0;
    // Taken, not only read: a getter of the value's may come here again.
    this.#slab = NOTHING;
    this.#slabAt = 0;
    const end = this.#write(value, slab, at, this.#grow);
    const written = lastTarget();
    this.#slab = slab;
    if (written === slab) {
      this.#slabAt = end;
      return slab.subarray(at, end);
    }
    this.#slabAt = at;
    if (written.length <= SCRATCH_BYTES_MAX) this.#scratch = written;
    return copyOf(written.subarray(at, end));
  }

  encodeInto(value: unknown, target: Uint8Array, at: number): number {
    if (value instanceof Encoded) return putEncoded(value.bytes, target, at);
    return this.#write(value, target, at);
  }

  decode(bytes: Uint8Array, start = 0, end?: number, isGiven = false): unknown {
    if (!(bytes instanceof Uint8Array)) throw notDecodable("it is not a Uint8Array");
    const { length } = bytes;
    const stop = end ?? length;
    if (!(start >= 0 && start <= stop && stop <= length)) {
      throw notDecodable(`${start} to ${stop} is no part of ${length} bytes`);
    }
    try {
      if (start === stop || bytes[start] !== BOXED_MARK) {
        return readValue(bytes, start, stop, this.#plain, isGiven);
      }
      return unbox(readValue(bytes, start + 1, stop, this.#boxed));
    } catch (error) {
      if (error === REFUSED) throw notDecodable(refusal());
      throw notDecodable(error instanceof Error ? error.message : String(error), error);
    }
  }

  copy(value: unknown): unknown {
    let copied: unknown;
    try {
      copied = copySimple(value, this.#plain);
    } catch (error) {
      throw notReadable(error);
    }
    return copied === NOT_SIMPLE ? this.decode(this.encode(value)) : copied;
  }

  #write(value: unknown, target: Uint8Array, at: number, more?: Grow): number {
    try {
      const end = writeValue(value, target, at, this.#plain, more);
      return end === NOT_PLAIN ? this.#writeBoxed(value, target, at, more) : end;
    } catch (error) {
      // A getter or a proxy of the caller's may throw anything, at any step.
      throw coreErrors.ERR_NOT_ENCODABLE.is(error) ? error : notReadable(error);
    }
  }

  #writeBoxed(value: unknown, target: Uint8Array, at: number, more?: Grow): number {
    if (inspectValue(value, this.#plain) === "refused") throw notEncodable(value, this.#plain);
    const end = writeValue(box(value), target, at + 1, this.#boxed, more);
    if (end === NOT_PLAIN) throw notEncodable(value, this.#plain);
    if (end >= 0) lastTarget()[at] = BOXED_MARK;
    return end;
  }

  readonly #grow: Grow = (target, at, roomBytes) => {
    const wanted = at + roomBytes;
    const scratch = this.#scratch;
    const larger =
      scratch.length >= wanted
        ? scratch
        : Buffer.allocUnsafeSlow(Math.max(SCRATCH_BYTES_MIN, 2 * wanted));
    // Taken, as the slab is.
    this.#scratch = NOTHING;
    larger.set(target.subarray(0, at));
    return larger;
  };
}

function putEncoded(bytes: Uint8Array, target: Uint8Array, at: number): number {
  const end = at + bytes.length;
  if (end > target.length) return -1;
  target.set(bytes, at);
  return end;
}

function newSlab(): Buffer {
  return Buffer.allocUnsafeSlow(SLAB_BYTES);
}

function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
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
