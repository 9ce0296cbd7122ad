/**
 * RelayedSender: what a relayed connection has to send: frames become pieces as credit comes.
 *
 * Invariants: pieces leave in the order of the frames; a frame's memory is given back once its last
 * piece has left, or when the connection ends.
 */
import { Fifo } from "../../protocol/flow/fifo.js";
import { SendCredit } from "../../protocol/relay/credit.js";
import {
  PART_HEAD_BYTES,
  RELAY_HEAD_BYTES,
  writeDataHead,
  writePartHead,
} from "../../protocol/relay/frames.js";
import type { RelayLimits } from "../../protocol/relay/limits.js";

interface Unsent {
  readonly frame: Uint8Array;
  readonly released: (() => void) | undefined;
}

interface Drain {
  readonly lowWaterBytes: number;
  readonly resolve: () => void;
}

export class RelayedSender {
  /** Of frames of which something has not left yet. */
  bufferedBytes = 0;

  readonly #connection: number;
  readonly #limits: RelayLimits;
  readonly #scratch: Uint8Array;
  readonly #transmit: (piece: Uint8Array) => boolean;
  #credit: SendCredit | undefined;
  readonly #unsent = new Fifo<Unsent>();
  /** Bytes of the first of them that have left. */
  #begunBytes = 0;
  #isPumping = false;
  #hasEnded = false;
  #drains: Drain[] = [];

  /**
   * @param scratch memory for one piece, used again for each
   * @param transmit has taken the bytes when it returns; false: the connection has ended
   */
  constructor(
    connection: number,
    limits: RelayLimits,
    scratch: Uint8Array,
    transmit: (piece: Uint8Array) => boolean,
  ) {
    this.#connection = connection;
    this.#limits = limits;
    this.#scratch = scratch;
    this.#transmit = transmit;
  }

  get isEmpty(): boolean {
    return this.#unsent.length === 0;
  }

  /** The other end lets so much come. */
  opened(windowBytes: number): void {
    this.#credit = new SendCredit(windowBytes);
  }

  /** The other end lets so much come in all; false: it cannot have said so. */
  grant(totalBytes: number): boolean {
    return this.#credit?.grant(totalBytes) === true;
  }

  send(frame: Uint8Array, released: (() => void) | undefined): void {
    if (this.isEmpty && !this.#isPumping && this.#write(frame)) return released?.();
    // Writing may have found that the link is gone.
    if (this.#hasEnded) return released?.();
    this.#unsent.push({ frame, released });
    this.bufferedBytes += frame.length;
  }

  /** Sends what credit allows. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (let first = this.#unsent.at(0); first !== undefined; first = this.#unsent.at(0)) {
      if (!this.#write(first.frame)) break;
      this.#unsent.shift();
      this.bufferedBytes -= first.frame.length;
      first.released?.();
    }
    this.#isPumping = false;
    this.#settleDrains();
  }

  drained(lowWaterBytes: number): Promise<void> {
    if (this.#hasEnded || this.bufferedBytes <= lowWaterBytes) return Promise.resolve();
    return new Promise((resolve) => this.#drains.push({ lowWaterBytes, resolve }));
  }

  /** What waits is dropped, and nothing is sent any more. */
  end(): void {
    this.#hasEnded = true;
    for (let item = this.#unsent.shift(); item !== undefined; item = this.#unsent.shift())
      item.released?.();
    this.bufferedBytes = 0;
    this.#settleDrains();
  }

  /** Goes on with a frame; true: all of it has left. */
  #write(frame: Uint8Array): boolean {
    const credit = this.#credit;
    if (credit === undefined || this.#hasEnded) return false;
    const wholeBytes = RELAY_HEAD_BYTES + frame.length;
    if (this.#begunBytes === 0 && wholeBytes <= this.#limits.pieceBytesMax) {
      if (!credit.take(wholeBytes)) return false;
      const scratch = this.#scratch;
      writeDataHead(scratch, this.#connection);
      scratch.set(frame, RELAY_HEAD_BYTES);
      return this.#transmit(scratch.subarray(0, wholeBytes));
    }
    while (this.#begunBytes < frame.length) {
      if (!this.#writePart(frame, credit)) return false;
    }
    this.#begunBytes = 0;
    return true;
  }

  #writePart(frame: Uint8Array, credit: SendCredit): boolean {
    const scratch = this.#scratch;
    const at = this.#begunBytes;
    const bytes = Math.min(this.#limits.pieceBytesMax - PART_HEAD_BYTES, frame.length - at);
    if (!credit.take(PART_HEAD_BYTES + bytes)) return false;
    writePartHead(scratch, this.#connection, frame.length);
    scratch.set(frame.subarray(at, at + bytes), PART_HEAD_BYTES);
    this.#begunBytes += bytes;
    return this.#transmit(scratch.subarray(0, PART_HEAD_BYTES + bytes));
  }

  #settleDrains(): void {
    if (this.#drains.length === 0) return;
    const { bufferedBytes } = this;
    const settled = this.#drains.filter((drain) => bufferedBytes <= drain.lowWaterBytes);
    this.#drains = this.#drains.filter((drain) => bufferedBytes > drain.lowWaterBytes);
    for (const drain of settled) drain.resolve();
  }
}
