/**
 * MemoryPool: the memory of large messages that have left, for those that come.
 *
 * Why: memory outside of the heap costs little to fill and much to give up. At 500 MB a second of
 * large messages the collector ran twenty times a second, and small messages beside them waited for it.
 *
 * Limits: FLOW.poolBytesMax are kept; sizes are rounded up to FLOW.chunkBytes, so that messages of
 * about one size share theirs.
 */
import { FLOW } from "../limits.js";

export class MemoryPool {
  /** By size. */
  readonly #free = new Map<number, Uint8Array[]>();
  #bytes = 0;

  /** Memory of at least so many bytes; what is in it is of no use. */
  take(bytes: number): Uint8Array {
    const size = Math.ceil(bytes / FLOW.chunkBytes) * FLOW.chunkBytes;
    const memory = this.#free.get(size)?.pop();
    if (memory === undefined) return Buffer.allocUnsafeSlow(size);
    this.#bytes -= size;
    return memory;
  }

  /** Nobody reads or writes it any more. */
  give(memory: Uint8Array): void {
    const size = memory.length;
    if (this.#bytes + size > FLOW.poolBytesMax) return;
    this.#bytes += size;
    const free = this.#free.get(size);
    if (free === undefined) this.#free.set(size, [memory]);
    else free.push(memory);
  }
}
