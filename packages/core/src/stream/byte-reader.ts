/**
 * byteReader: one way to read every kind of byte source, and to end it.
 *
 * Why it exists: an async iterator's `return` waits until a `next` that is under way has settled, which a socket that is
 * silent never does. So a Node stream is ended by `destroy` and a web stream by `cancel`, which take effect at once.
 */
import { coreErrors } from "../errors/errors.js";
import type { ByteSource } from "../ports/streams.js";

export interface ByteReader {
  /**
   * The next piece, never an empty one; undefined at the end. One read at a time.
   * @throws {ERR_INVALID_ARGUMENT} the source gave something else than bytes. Whatever the source throws.
   */
  read(): Promise<Uint8Array | undefined>;
  /** Nothing more is wanted: the source ends. What it throws meanwhile interests nobody. Idempotent. */
  cancel(reason?: unknown): void;
}

/**
 * Reads a source piece by piece.
 *
 * @throws {ERR_INVALID_ARGUMENT} it is nothing that gives bytes, or a web stream that somebody else reads.
 *
 * @example
 * ```ts
 * import { byteReader } from "@foundation/core"
 *
 * const reader = byteReader([new Uint8Array([1, 2]), new Uint8Array([3])])
 * for (let piece = await reader.read(); piece; piece = await reader.read()) console.log(piece.length)
 * ```
 */
export function byteReader(source: ByteSource): ByteReader {
  if (isWebStream(source)) return webReader(source);
  const iterator = iteratorOf(source);
  heard(source);
  let done = false;
  return {
    async read() {
      while (!done) {
        const result = await iterator.next();
        if (result.done === true) done = true;
        else if (checked(result.value).length > 0) return result.value;
      }
      return undefined;
    },
    cancel(reason) {
      if (done) return;
      done = true;
      const { destroy } = source as { destroy?: unknown };
      if (typeof destroy === "function") return destroyed(source as unknown as Destroyable, reason);
      quietly(() => iterator.return?.());
    },
  };
}

/**
 * A Node stream tells its error when it has it, and an error that nobody hears ends the process: a file that is not there
 * fails long before the first read asks for it. The read tells it again.
 */
function heard(source: unknown): void {
  const { destroy, on } = source as { destroy?: unknown; on?: unknown };
  if (typeof destroy === "function" && typeof on === "function") on.call(source, "error", () => {});
}

interface Destroyable {
  destroy(error?: Error): unknown;
}

/** The owner of a Node stream sees why it ended. */
function destroyed(source: Destroyable, reason: unknown): void {
  const error = reason instanceof Error ? reason : undefined;
  source.destroy(error);
}

function isWebStream(source: unknown): source is ReadableStream<Uint8Array> {
  return typeof (source as { getReader?: unknown } | null)?.getReader === "function";
}

function webReader(source: ReadableStream<Uint8Array>): ByteReader {
  if (source.locked) throw invalidSource("a stream that nobody else reads", "one that is locked");
  const reader = source.getReader();
  let done = false;
  return {
    async read() {
      while (!done) {
        const result = await reader.read();
        if (result.done) done = true;
        else if (checked(result.value).length > 0) return result.value;
      }
      return undefined;
    },
    cancel(reason) {
      if (done) return;
      done = true;
      quietly(() => reader.cancel(reason));
    },
  };
}

function iteratorOf(source: unknown): Iterator<Uint8Array> | AsyncIterator<Uint8Array> {
  if (typeof source === "object" && source !== null && !ArrayBuffer.isView(source)) {
    if (Symbol.asyncIterator in source)
      return (source as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return (source as Iterable<Uint8Array>)[Symbol.iterator]();
  }
  const expected = "an iterable of Uint8Arrays, sync or async, or a readable stream";
  throw invalidSource(expected, kindOf(source));
}

function checked(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  const hint = typeof piece === "string" ? " (set no encoding, or encode it)" : "";
  const found = ArrayBuffer.isView(piece) ? `a ${piece.constructor.name}` : kindOf(piece);
  throw invalidSource(`a source of Uint8Arrays only${hint}`, `a piece that is ${found}`);
}

/** What it is and never what is in it: bytes are the user's data. */
function kindOf(value: unknown): string {
  if (ArrayBuffer.isView(value)) return `bytes themselves: wrap them in an array`;
  if (typeof value === "object" && value !== null)
    return `a ${value.constructor?.name ?? "object"}`;
  return value === null || value === undefined ? String(value) : `a ${typeof value}`;
}

function invalidSource(expected: string, found: string): Error {
  return coreErrors.ERR_INVALID_ARGUMENT(`source must be ${expected}; found ${found}`, {
    argument: "source",
    expected,
    found,
  });
}

/** Runs the end of a source. */
function quietly(end: () => unknown): void {
  try {
    Promise.resolve(end()).catch(() => {});
  } catch {
    // It has ended, one way or the other.
  }
}
