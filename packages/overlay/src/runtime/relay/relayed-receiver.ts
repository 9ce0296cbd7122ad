/**
 * RelayedReceiver: the receiving half of a relayed connection: pieces become frames, and wait until somebody takes them.
 *
 * Invariants: frames are given in the order in which they came, once; what waits is at most a window and one frame; what
 * was given, or dropped at the end, comes back to the sender as credit.
 */
import { Fifo } from "../../protocol/flow/fifo.js";
import { ReceiveCredit } from "../../protocol/relay/credit.js";
import { FrameAssembly } from "../../protocol/relay/frame-assembly.js";
import {
  PART_HEAD_BYTES,
  readPartTotal,
  RELAY_HEAD_BYTES,
  RelayType,
} from "../../protocol/relay/frames.js";
import { grantBytesOf, type RelayLimits } from "../../protocol/relay/limits.js";

interface Undelivered {
  readonly frame: Uint8Array;
  readonly costBytes: number;
}

export class RelayedReceiver {
  readonly #frameBytesMax: number;
  readonly #credit: ReceiveCredit;
  readonly #grant: (totalBytes: number) => void;
  readonly #undelivered = new Fifo<Undelivered>();
  readonly #assembly = new FrameAssembly();
  #receive: ((frame: Uint8Array) => void) | undefined;
  #pauses = 0;
  #isDelivering = false;
  /** It closes, and something was dropped that nobody took: what comes later is dropped too. */
  #isDeaf = false;
  #isEnded = false;

  /** @param grant tells the other side how much it may have sent in all */
  constructor(limits: RelayLimits, grant: (totalBytes: number) => void) {
    this.#frameBytesMax = limits.frameBytesMax;
    this.#credit = new ReceiveCredit(limits.windowBytes, grantBytesOf(limits));
    this.#grant = grant;
  }

  /** Bytes that have come and that the receiver has not taken, heads included. */
  get heldBytes(): number {
    return this.#credit.heldBytes;
  }

  /** Nobody takes what comes. */
  get isHeldUp(): boolean {
    return this.isPaused || this.#receive === undefined;
  }

  get isPaused(): boolean {
    return this.#pauses > 0;
  }

  /** Nothing waits to be taken. */
  get isEmpty(): boolean {
    return this.#undelivered.length === 0;
  }

  /** Sets who takes frames. */
  takenBy(receive: (frame: Uint8Array) => void): void {
    this.#receive = receive;
  }

  /** Nobody takes frames until the answer is called, which answers whether that was the first call. */
  pause(): () => boolean {
    this.#pauses += 1;
    let isPaused = true;
    return () => {
      if (!isPaused) return false;
      isPaused = false;
      this.#pauses -= 1;
      return true;
    };
  }

  /** Takes in a piece; answers which rule it breaks, if it breaks one. */
  came(piece: Uint8Array): string | undefined {
    if (!this.#credit.came(piece.length)) return "more than its credit";
    if (piece[0] === RelayType.data) {
      // Memory of its own: whoever keeps it would keep the whole frame of the link that it came in.
      const bytes = new Uint8Array(piece.subarray(RELAY_HEAD_BYTES));
      if (this.#assembly.isPartial) return "a frame within another one";
      if (bytes.length > this.#frameBytesMax) return "a frame that is too large";
      this.#arrived(bytes, piece.length);
      return undefined;
    }
    const total = readPartTotal(piece);
    if (total === undefined) return "a part without bytes";
    const bytes = piece.subarray(PART_HEAD_BYTES);
    const whole = this.#assembly.add(bytes, total, piece.length, this.#frameBytesMax);
    if (typeof whole === "string") return whole;
    if (whole !== undefined) this.#arrived(whole, this.#assembly.takeCost());
    return undefined;
  }

  /** Hands over what waits, while somebody takes it; false: that is being done already. */
  deliver(): boolean {
    if (this.#isDelivering) return false;
    this.#isDelivering = true;
    while (!this.#isEnded && !this.isHeldUp) {
      const next = this.#undelivered.shift();
      if (next === undefined) break;
      this.#receive?.(next.frame);
      this.#consumed(next.costBytes);
    }
    this.#isDelivering = false;
    return true;
  }

  /** Nobody takes what waits any more. */
  discard(): void {
    this.#isDeaf = true;
    let next = this.#undelivered.shift();
    for (; next !== undefined; next = this.#undelivered.shift()) this.#consumed(next.costBytes);
  }

  end(): void {
    this.#isEnded = true;
    this.#undelivered.clear();
    this.#assembly.clear();
  }

  #arrived(frame: Uint8Array, costBytes: number): void {
    const isNext = this.isEmpty && !this.#isDelivering && !this.#isDeaf;
    if (isNext && !this.isHeldUp) {
      this.#receive?.(frame);
      return this.#consumed(costBytes);
    }
    if (this.#isDeaf) return this.#consumed(costBytes);
    this.#undelivered.push({ frame, costBytes });
  }

  #consumed(costBytes: number): void {
    if (this.#isEnded) return;
    const total = this.#credit.consumed(costBytes);
    if (total !== undefined) this.#grant(total);
  }
}
