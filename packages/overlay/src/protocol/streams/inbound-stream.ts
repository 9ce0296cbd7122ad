/**
 * InboundStream: the bytes of a stream that have come and were not taken yet, and the credit that
 * its opener is given.
 *
 * New credit is told when half of the window is free, so that an opener that keeps up is never
 * held up and few messages are sent; a WindowTuner says how large the window is.
 *
 * Invariants: bytes are taken in the order they came, each once; what is held never exceeds what
 * was granted and not taken; memory stays near it, however small the pieces are or whatever they
 * are views of: small ones are copied together, and a view that would hold much more memory than
 * itself is copied.
 */
import { Fifo } from "../flow/fifo.js";
import type { WindowTuner } from "./window-tuner.js";

/** Smaller pieces are copied together into blocks of `BLOCK_BYTES`. */
const SMALL_BYTES = 4 * 1024;
const BLOCK_BYTES = 8 * 1024;

const NOTHING: Uint8Array = new Uint8Array(0);

export class InboundStream {
  readonly #tuner: WindowTuner;
  readonly #pieces = new Fifo<Uint8Array>();
  /** Small pieces, after the others. What was taken of it is never written again. */
  #block = NOTHING;
  #from = 0;
  #to = 0;
  #receivedBytes = 0;
  #takenBytes = 0;
  #grantedBytes: number;
  /** Nothing more is wanted or comes. */
  #over = false;

  constructor(tuner: WindowTuner) {
    this.#tuner = tuner;
    this.#grantedBytes = tuner.windowBytes;
  }

  /** Received and not taken. */
  get heldBytes(): number {
    return this.#over && this.#isEmpty ? 0 : this.#receivedBytes - this.#takenBytes;
  }

  get isOver(): boolean {
    return this.#over;
  }

  get grantedBytes(): number {
    return this.#grantedBytes;
  }

  /** A piece came: kept, not wanted any more, or more than was granted. */
  receive(piece: Uint8Array): "kept" | "dropped" | "overdrawn" {
    if (this.#over) return "dropped";
    if (this.#receivedBytes + piece.length > this.#grantedBytes) return "overdrawn";
    if (piece.length === 0) return "kept";
    this.#receivedBytes += piece.length;
    if (piece.length < SMALL_BYTES) this.#keepSmall(piece);
    else this.#keepLarge(piece);
    return "kept";
  }

  take(): Uint8Array | undefined {
    const piece = this.#pieces.shift() ?? this.#takeBlock();
    if (piece !== undefined) this.#takenBytes += piece.length;
    return piece;
  }

  /**
   * So many bytes were taken: answers the total to grant now, or undefined while that is not worth
   * a message.
   */
  grant(takenBytes: number, nowMs: number, roundTripMs: number | undefined): number | undefined {
    if (this.#over) return undefined;
    this.#tuner.consumed(takenBytes, nowMs, roundTripMs);
    const { windowBytes } = this.#tuner;
    const totalBytes = this.#takenBytes + windowBytes;
    if (totalBytes - this.#grantedBytes < windowBytes / 2) return undefined;
    this.#grantedBytes = totalBytes;
    return totalBytes;
  }

  /** The opener has sent everything, so many bytes; false: they have not all come. */
  end(totalBytes: number): boolean {
    this.#over = true;
    return totalBytes === this.#receivedBytes;
  }

  /** Nothing is wanted any more: forgets what is held. */
  discard(): void {
    this.#over = true;
    this.#pieces.clear();
    this.#block = NOTHING;
    this.#from = 0;
    this.#to = 0;
  }

  close(): void {
    this.discard();
    this.#tuner.close();
  }

  get #isEmpty(): boolean {
    return this.#pieces.length === 0 && this.#from === this.#to;
  }

  #keepLarge(piece: Uint8Array): void {
    this.#sealBlock();
    const isMostOfItsMemory = piece.length * 2 >= piece.buffer.byteLength;
    this.#pieces.push(isMostOfItsMemory ? piece : new Uint8Array(piece));
  }

  #keepSmall(piece: Uint8Array): void {
    if (this.#to + piece.length > this.#block.length) {
      this.#sealBlock();
      this.#block = new Uint8Array(BLOCK_BYTES);
      this.#from = 0;
      this.#to = 0;
    }
    this.#block.set(piece, this.#to);
    this.#to += piece.length;
  }

  /** What is in the block comes before what follows. */
  #sealBlock(): void {
    const bytes = this.#takeBlock();
    if (bytes !== undefined) this.#pieces.push(bytes);
  }

  #takeBlock(): Uint8Array | undefined {
    if (this.#from === this.#to) return undefined;
    const bytes = this.#block.subarray(this.#from, this.#to);
    this.#from = this.#to;
    return bytes;
  }
}
