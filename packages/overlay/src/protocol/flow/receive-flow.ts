/**
 * ReceiveFlow: what one lane has received: the count that lets a peer go on where a connection
 * broke, and the credit it is given.
 *
 * A frame is consumed when its handlers have returned; a handler that answers with a promise holds
 * its message's bytes until that settles, and so slows down who sends, not who reads. New credit is
 * told when half of the window is free, at most 1 MiB, or as soon as there is any for a peer that has none left.
 *
 * Invariants: credit of one connection never sinks; frames of one session are counted once.
 */
import { assert } from "../assert.js";

/**
 * Large windows are told of earlier than at half: a sender that retains stops at FLOW.retainBytesMax
 * until it is told what was counted.
 */
const TELL_BYTES_MAX = 1024 * 1024;

export class ReceiveFlow {
  /** Names this counting: a peer that remembers another one cannot go on where it was. */
  readonly session: number;
  /** The peer may have sent so much that was not consumed; it may grow. */
  windowBytes: number;
  /** Called when something was released: there may be credit to tell. */
  onReleased: () => void = () => {};
  /** Data frames since the session began. */
  frames = 0;

  /**
   * The peer may know of this counting: it was offered on a connection. Who forgets it then, though nothing has come yet,
   * makes the peer take for lost what it has written since.
   */
  isKnown = false;

  readonly #overdraftBytesMax: number;
  /** Of this connection. */
  #receivedBytes = 0;
  #grantedBytes = 0;
  #heldBytes = 0;
  #toldFrames = 0;

  constructor(session: number, windowBytes: number, overdraftBytesMax: number) {
    this.session = session;
    this.windowBytes = windowBytes;
    this.#overdraftBytesMax = overdraftBytesMax;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Frames were counted that the peer was not told of. */
  get owesCount(): boolean {
    return this.frames !== this.#toldFrames;
  }

  /** A connection is there: answers what the peer may send on it to begin with. */
  attach(): number {
    this.isKnown = true;
    this.#receivedBytes = 0;
    this.#grantedBytes = Math.max(0, this.windowBytes - this.#heldBytes);
    this.#toldFrames = this.frames;
    return this.#grantedBytes;
  }

  /** A data frame came; false: the peer sends far more than it may. */
  received(frameBytes: number): boolean {
    this.frames += 1;
    this.#receivedBytes += frameBytes;
    return this.#receivedBytes <= this.#grantedBytes + this.#overdraftBytesMax;
  }

  /** Bytes that stay unconsumed until `release`. */
  hold(bytes: number): void {
    this.#heldBytes += bytes;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
    assert(this.#heldBytes >= 0, "no more is released than was held");
    this.onReleased();
  }

  /** The credit to tell now, of the connection in all; undefined: it is not worth a message yet. */
  grant(): number | undefined {
    const bytes = this.#receivedBytes - this.#heldBytes + this.windowBytes;
    const more = bytes - this.#grantedBytes;
    const isExhausted = this.#receivedBytes >= this.#grantedBytes;
    const enough = Math.min(this.windowBytes / 2, TELL_BYTES_MAX);
    if (more < enough && !(isExhausted && more > 0)) return undefined;
    this.#grantedBytes = bytes;
    return bytes;
  }

  /** What a window message says now, also without new credit. */
  tell(): { readonly frames: number; readonly creditBytes: number } {
    this.#toldFrames = this.frames;
    return { frames: this.frames, creditBytes: this.#grantedBytes };
  }
}
