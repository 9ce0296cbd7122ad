/**
 * SendFlow: what one lane has to send: what waits, what was written and not counted yet, and how
 * much may be written now.
 *
 * Credit is counted in bytes of data frames of one connection: the peer says how many it lets this
 * side send in all, and a frame may leave while less than that was sent. So at most one frame goes
 * beyond, and a window smaller than a frame still lets every frame pass.
 *
 * For exactly once and in order over connections that break (as TCP does over packets that are
 * lost, RFC 9293 §3.4; here the unit is the frame) nothing is numbered on the wire: both sides
 * count the data frames since the receiver's session began. A new connection begins with the
 * receiver's count, and a lane that retains writes again from there.
 *
 * Invariants: frames leave in the order they were queued; none is written before the peer's resume
 * has come; a frame is written again only to a receiver that has not counted it.
 */
import { assert } from "../assert.js";
import { ChunkedMessage } from "./chunked-message.js";
import { Fifo } from "./fifo.js";

/** Finished, or a large message that becomes frames when they are written. */
interface Waiting {
  readonly content: Uint8Array | ChunkedMessage;
  readonly messages: number;
  /** What a frame lies in, if that is free for others once it has left. */
  readonly memory: Uint8Array | undefined;
}

export interface SendFlowOptions {
  /** Keeps what was written until it is counted: `reliable`. */
  readonly retains: boolean;
  readonly retainBytesMax: number;
  /** No resume is awaited and no credit needed: `coordination`. */
  readonly isFree: boolean;
}

/** Why nothing is written though something waits. */
export type Blocked = "not-resumed" | "credit" | "retained";

export class SendFlow {
  retains: boolean;
  /** Bytes queued and never written. */
  queuedBytes = 0;
  /** What is free for others once the frame that `next` gave last has left; undefined: nothing. */
  memory: Uint8Array | undefined;
  /** Messages that were finished by the frame that `next` gave last. */
  messages = 0;
  /** Frames and large messages that have begun to leave, were taken back or dropped, in order. */
  begun = 0;
  /** Frames written again so far. */
  resent = 0;

  readonly #retainBytesMax: number;
  readonly #isFree: boolean;
  readonly #waiting = new Fifo<Waiting>();
  /** Written, not counted by the peer yet; those from `#cursor` on have to be written again. */
  readonly #retained = new Fifo<Uint8Array>();
  #retainedBytes = 0;
  #cursor = 0;
  /** The peer's count of the frames before the first retained one. */
  #acknowledged = 0;
  /** What the peer will have counted when everything that was written has come. */
  #written = 0;
  /** A large message of which some left before this lane began to retain. */
  #unretained: unknown;
  #peerSession: number | undefined;
  #isOpen = false;
  #sentBytes = 0;
  #creditBytes = 0;

  constructor({ retains, retainBytesMax, isFree }: SendFlowOptions) {
    this.retains = retains;
    this.#retainBytesMax = retainBytesMax;
    this.#isFree = isFree;
  }

  /** The number of the frame that would be queued next. */
  get nextNumber(): number {
    return this.begun + this.#waiting.length - (this.#hasBegun(this.#waiting.at(0)) ? 1 : 0);
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0 || this.#cursor < this.#retained.length;
  }

  /** Something a later connection could still deliver. */
  get isWorthKeeping(): boolean {
    return this.retains && (this.#waiting.length > 0 || this.#peerSession !== undefined);
  }

  get retainedBytes(): number {
    return this.#retainedBytes;
  }

  /** How much the peer lets this side send now. */
  get creditBytes(): number {
    return this.#isFree
      ? Number.MAX_SAFE_INTEGER
      : Math.max(0, this.#creditBytes - this.#sentBytes);
  }

  /** @param memory what a frame lies in, if that is free for others once it has left */
  queue(content: Uint8Array | ChunkedMessage, messages: number, memory?: Uint8Array): void {
    this.#waiting.push({ content, messages, memory });
    this.queuedBytes += content instanceof ChunkedMessage ? content.sizeBytes : content.length;
  }

  /** A connection is there; what it may carry is said by its first frame. */
  attach(): void {
    this.#isOpen = this.#isFree;
    this.#sentBytes = 0;
    this.#creditBytes = 0;
  }

  /**
   * The connection is gone. What was written and not counted may have to be written again; a lane
   * that keeps nothing cannot finish a large message of which some has left. Answers how many
   * messages are lost by that.
   */
  detach(): number {
    this.#isOpen = false;
    this.#cursor = 0;
    const isWhole = this.retains && this.#waiting.at(0)?.content !== this.#unretained;
    return isWhole ? 0 : this.#dropBegun();
  }

  /** From now on what is written is kept until it is counted; what was written before is not. */
  retain(): void {
    if (this.retains) return;
    this.retains = true;
    this.#acknowledged = this.#written;
    const first = this.#waiting.at(0);
    if (this.#hasBegun(first)) this.#unretained = first?.content;
  }

  /**
   * The peer has told its count. Answers how many written frames are lost: their receiver has
   * forgotten us, so nobody can tell what of them it has handled.
   */
  resume(session: number, receivedFrames: number, windowBytes: number): number {
    const isSame = this.#peerSession === session;
    const known = this.#peerSession !== undefined;
    this.#peerSession = session;
    this.#isOpen = true;
    this.#creditBytes = windowBytes;
    let lost = 0;
    if (isSame) {
      this.#acknowledge(receivedFrames, this.#retained.length);
    } else if (known) {
      lost = this.#retained.length + this.#dropBegun();
      this.#retained.clear();
      this.#retainedBytes = 0;
    }
    this.#acknowledged = receivedFrames;
    this.#written = receivedFrames;
    this.#cursor = 0;
    this.resent += this.#retained.length;
    return lost;
  }

  /** The peer has counted frames and gives more room; both only ever grow. */
  window(receivedFrames: number, creditBytes: number): void {
    if (!this.#isOpen || this.#isFree) return;
    this.#cursor -= this.#acknowledge(receivedFrames, this.#cursor);
    if (creditBytes > this.#creditBytes) this.#creditBytes = creditBytes;
  }

  get blocked(): Blocked | undefined {
    if (!this.#isOpen) return "not-resumed";
    if (!this.#isFree && this.#sentBytes >= this.#creditBytes) return "credit";
    const again = this.#cursor < this.#retained.length;
    return !again && this.#retainedBytes >= this.#retainBytesMax ? "retained" : undefined;
  }

  /** The next frame to write, or undefined: nothing waits, or it is `blocked`. */
  next(): Uint8Array | undefined {
    this.memory = undefined;
    while (this.hasWaiting && this.blocked === undefined) {
      const frame = this.#cursor < this.#retained.length ? this.#again() : this.#take();
      if (frame === undefined) continue;
      this.#sentBytes += frame.length;
      this.#written += 1;
      return frame;
    }
    return undefined;
  }

  /** Drops what was never written; answers how many messages that were. */
  dropWaiting(): number {
    let messages = 0;
    for (let item = this.#waiting.shift(); item !== undefined; item = this.#waiting.shift()) {
      messages += item.messages;
      if (!this.#hasBegun(item)) this.begun += 1;
    }
    this.queuedBytes = 0;
    return messages;
  }

  /**
   * Drops the oldest that waits, if it is `droppable` and not begun; answers its messages, or
   * undefined.
   */
  dropOldest(droppable: (frame: Uint8Array) => boolean): number | undefined {
    const first = this.#waiting.at(0);
    if (first === undefined || first.content instanceof ChunkedMessage) return undefined;
    if (!droppable(first.content)) return undefined;
    this.#waiting.shift();
    this.begun += 1;
    this.queuedBytes -= first.content.length;
    return first.messages;
  }

  /** Its first chunks are of no use without the others, nor these without them. */
  #dropBegun(): number {
    const first = this.#waiting.at(0);
    if (first === undefined || !this.#hasBegun(first)) return 0;
    this.queuedBytes -= (first.content as ChunkedMessage).leftBytes;
    this.#waiting.shift();
    return first.messages;
  }

  /** Some of its chunks have left. */
  #hasBegun(item: Waiting | undefined): boolean {
    const content = item?.content;
    return content instanceof ChunkedMessage && content.leftBytes < content.sizeBytes;
  }

  #again(): Uint8Array {
    const frame = this.#retained.at(this.#cursor);
    assert(frame !== undefined, "the cursor is within what is retained");
    this.#cursor += 1;
    this.messages = 0;
    return frame;
  }

  /** Undefined: it was taken back before it left. */
  #take(): Uint8Array | undefined {
    const first = this.#waiting.at(0);
    assert(first !== undefined, "something waits");
    const { content, messages } = first;
    this.messages = messages;
    let frame: Uint8Array | undefined;
    if (content instanceof ChunkedMessage) {
      const { sizeBytes, leftBytes, isTakenBack } = content;
      if (leftBytes === sizeBytes) this.begun += 1;
      if (!isTakenBack) frame = content.next();
      this.queuedBytes -= isTakenBack ? sizeBytes : leftBytes - content.leftBytes;
      if (content.leftBytes === 0 || isTakenBack) this.#waiting.shift();
      else this.messages = 0;
      // What is retained may be written again from there.
      if (content.leftBytes === 0 && !this.retains) this.memory = content.memory;
    } else {
      frame = content;
      if (!this.retains) this.memory = first.memory;
      this.begun += 1;
      this.queuedBytes -= content.length;
      this.#waiting.shift();
    }
    if (frame !== undefined && this.retains) this.#retain(frame);
    return frame;
  }

  #retain(frame: Uint8Array): void {
    this.#retained.push(frame);
    this.#retainedBytes += frame.length;
    this.#cursor += 1;
  }

  /** Forgets what the peer has counted, of the first `framesMax`; answers how many. */
  #acknowledge(receivedFrames: number, framesMax: number): number {
    let forgotten = 0;
    while (this.#acknowledged < receivedFrames && forgotten < framesMax) {
      const frame = this.#retained.shift();
      assert(frame !== undefined, "no more is counted than was written");
      this.#retainedBytes -= frame.length;
      this.#acknowledged += 1;
      forgotten += 1;
    }
    return forgotten;
  }
}
