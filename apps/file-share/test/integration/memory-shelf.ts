/** A shelf in memory: what a simulated node may use, and what a test can look into. */
import type { Shelf } from "../../src/shelf.js";

export interface MemoryShelf extends Shelf {
  readonly files: Map<string, Uint8Array>;
}

export function memoryShelf(files: Readonly<Record<string, Uint8Array>> = {}): MemoryShelf {
  const kept = new Map(Object.entries(files));
  return {
    files: kept,
    names: async () => [...kept.keys()],
    async read(name) {
      const file = kept.get(name);
      if (file === undefined) throw new Error(`There is no ${name}`);
      return { sizeBytes: file.length, bytes: piecesOf(file) };
    },
    async write(name, bytes) {
      const pieces: Uint8Array[] = [];
      // A piece is the stream's own until the next one is asked for.
      for await (const piece of bytes) pieces.push(piece.slice());
      kept.set(name, Buffer.concat(pieces));
    },
  };
}

async function* piecesOf(file: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.length; at += 50_000) yield file.subarray(at, at + 50_000);
}

/** Bytes that are not all alike. */
export function someBytes(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (at * 31 + (at >> 8)) & 0xff);
}
