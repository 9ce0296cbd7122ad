/**
 * Credit: what one end of a relayed connection may send, counted in bytes of data frames with their
 * heads since the connection began. Both ends count, and so does every node between them, which is
 * how it knows that nobody makes it keep more than a window.
 *
 * Why credit between the ends and no limit for each hop: several connections share the link of two
 * neighbours. A node that stopped reading it because one receiver is slow would hold up all of them;
 * with credit only the slow one's own sender waits, and what can wait at a node is a window for each
 * connection that it let in.
 *
 * Invariants: `sentBytes` never exceeds `grantedBytes`; neither sinks; at most a window is granted
 * beyond what was sent.
 */
import { assert } from "../assert.js";

/** One direction, as its sender and the nodes on the route see it. */
export class SendCredit {
  sentBytes = 0;
  grantedBytes: number;
  readonly #windowBytes: number;

  /** @param windowBytes what the receiver lets come at first, and the most it may let come at once */
  constructor(windowBytes: number) {
    assert(windowBytes > 0, "a receiver takes something");
    this.#windowBytes = windowBytes;
    this.grantedBytes = windowBytes;
  }

  get leftBytes(): number {
    return this.grantedBytes - this.sentBytes;
  }

  /** So much is sent; false: it may not be, and was not counted. */
  take(bytes: number): boolean {
    if (bytes > this.leftBytes) return false;
    this.sentBytes += bytes;
    return true;
  }

  /** The receiver lets so much come in all; false: it cannot have said so. */
  grant(totalBytes: number): boolean {
    if (totalBytes <= this.grantedBytes) return false;
    if (totalBytes > this.sentBytes + this.#windowBytes) return false;
    this.grantedBytes = totalBytes;
    return true;
  }
}

/** The same direction, as its receiver sees it. */
export class ReceiveCredit {
  /** Came and was not consumed. */
  heldBytes = 0;
  readonly #windowBytes: number;
  readonly #grantBytes: number;
  #grantedBytes: number;
  #consumedBytes = 0;

  /** @param grantBytes what is consumed is given back once it is so much */
  constructor(windowBytes: number, grantBytes: number) {
    this.#windowBytes = windowBytes;
    this.#grantBytes = grantBytes;
    this.#grantedBytes = windowBytes;
  }

  /** So much came; false: more than was granted. */
  came(bytes: number): boolean {
    if (this.#consumedBytes + this.heldBytes + bytes > this.#grantedBytes) return false;
    this.heldBytes += bytes;
    return true;
  }

  /** What came is consumed. Answers what to grant in all; undefined: not worth a frame yet. */
  consumed(bytes: number): number | undefined {
    assert(bytes <= this.heldBytes, "only what came can be consumed");
    this.heldBytes -= bytes;
    this.#consumedBytes += bytes;
    const total = this.#consumedBytes + this.#windowBytes;
    if (total - this.#grantedBytes < this.#grantBytes) return undefined;
    this.#grantedBytes = total;
    return total;
  }
}
