/**
 * PieceGatherer: what a source gave and what was not sent yet; cuts what is large and puts together
 * what is small.
 *
 * A source may use the memory of a piece again once it is asked for the next one. So small pieces
 * are copied together, up to `GATHER_BYTES`, and a larger one is kept as it is, and nothing more is
 * wanted until it has been sent.
 *
 * Invariants: bytes leave in the order they came, each once; at most one foreign piece and
 * `GATHER_BYTES` are held.
 */
import { assert } from "../assert.js";

/** Smaller pieces than half of this are put together. */
export const GATHER_BYTES = 16 * 1024;

const NOTHING: Uint8Array = new Uint8Array(0);

export class PieceGatherer {
  /** Made with the first small piece. */
  #gathered = NOTHING;
  #from = 0;
  #to = 0;
  /** After what was gathered. */
  #piece = NOTHING;

  get sizeBytes(): number {
    return this.#to - this.#from + this.#piece.length;
  }

  /** The source may be asked for more. */
  get wantsMore(): boolean {
    return this.#piece.length === 0 && this.#to < GATHER_BYTES;
  }

  add(piece: Uint8Array): void {
    assert(this.wantsMore, "the source is asked when there is room");
    const isEmpty = this.#to === this.#from;
    if (isEmpty && piece.length >= GATHER_BYTES / 2) {
      this.#piece = piece;
      return;
    }
    if (this.#gathered.length === 0) this.#gathered = new Uint8Array(GATHER_BYTES);
    const bytes = Math.min(piece.length, GATHER_BYTES - this.#to);
    this.#gathered.set(bytes === piece.length ? piece : piece.subarray(0, bytes), this.#to);
    this.#to += bytes;
    this.#piece = piece.subarray(bytes);
  }

  /** The next bytes, at most so many: valid until the next `add`. */
  next(bytesMax: number): Uint8Array {
    assert(bytesMax > 0 && this.sizeBytes > 0, "there is something to take");
    if (this.#to === this.#from) {
      const bytes = this.#piece.subarray(0, bytesMax);
      this.#piece = this.#piece.subarray(bytes.length);
      return bytes;
    }
    const end = Math.min(this.#to, this.#from + bytesMax);
    const bytes = this.#gathered.subarray(this.#from, end);
    this.#from = end;
    if (this.#from === this.#to) {
      this.#from = 0;
      this.#to = 0;
    }
    return bytes;
  }

  clear(): void {
    this.#gathered = NOTHING;
    this.#piece = NOTHING;
    this.#from = 0;
    this.#to = 0;
  }
}
