/**
 * OutboundStream: how much of a byte stream its opener may send, and when it is over.
 *
 * The receiver says how many bytes it lets the opener send in all; pieces leave within that. The
 * receiver may also say that it wants no more (as QUIC's STOP_SENDING, RFC 9000 §3.5): then nothing
 * further leaves, and only the answer is awaited.
 *
 * Invariants: never more is sent than was granted; credit never sinks; after the end, a stop or
 * `close` nothing is sent.
 */
import { assert } from "../assert.js";

/** In the place of a total of bytes: no more is wanted. */
export const STOP = 0;

export class OutboundStream {
  readonly #pieceBytesMax: number;
  #phase: "open" | "ended" | "stopped" | "closed" = "open";
  #sentBytes = 0;
  #grantedBytes: number;

  /** @param windowBytes what may be sent before the receiver has said anything */
  constructor(windowBytes: number, pieceBytesMax: number) {
    this.#grantedBytes = windowBytes;
    this.#pieceBytesMax = pieceBytesMax;
  }

  get isOpen(): boolean {
    return this.#phase === "open";
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  get creditBytes(): number {
    return this.isOpen ? this.#grantedBytes - this.#sentBytes : 0;
  }

  /** The receiver lets so many bytes be sent in all, or wants no more. */
  granted(totalBytes: number): "more" | "stop" | "nothing" {
    if (!this.isOpen) return "nothing";
    if (totalBytes === STOP) {
      this.#phase = "stopped";
      return "stop";
    }
    if (totalBytes <= this.#grantedBytes) return "nothing";
    this.#grantedBytes = totalBytes;
    return "more";
  }

  /** How many of so many waiting bytes the next piece may have; 0: none now. */
  pieceBytes(waitingBytes: number): number {
    return Math.min(waitingBytes, this.creditBytes, this.#pieceBytesMax);
  }

  sent(bytes: number): void {
    assert(bytes > 0 && bytes <= this.creditBytes, "a piece leaves within the credit");
    this.#sentBytes += bytes;
  }

  /** The source has ended. Answers how many bytes it had: the receiver compares. */
  end(): number {
    assert(this.isOpen, "a stream ends once");
    this.#phase = "ended";
    return this.#sentBytes;
  }

  /** Answered or given up: nothing is sent any more. */
  close(): void {
    this.#phase = "closed";
  }
}
