/**
 * StreamReceiver: one stream as its handler sees it.
 *
 * Invariants: the iteration ends without an error only if every byte was handed out, or its reader
 * left; what comes after that, or after a break, is dropped; nothing is granted any more then.
 */
import {
  ByteIterator,
  type Boot,
  type ByteBuffer,
  type Clock,
  type InboundStream as InboundStreamPort,
  type NodeId,
  type TraceContext,
} from "@foundation/core";
import { MessageType, writeU48 } from "../../protocol/frame.js";
import { InboundStream } from "../../protocol/streams/inbound-stream.js";
import { STOP } from "../../protocol/streams/outbound-stream.js";
import type { WindowTuner } from "../../protocol/streams/window-tuner.js";
import { streamBroken, type BreakReason } from "./stream-errors.js";
import type { StreamLink } from "./stream-link.js";

/** What all streams of a node hold together. */
export interface HeldBytes {
  /** So many more, or fewer. */
  add(bytes: number): void;
  /** Above the limit: pieces use up their lane's window too. */
  readonly isOverLimit: boolean;
}

export interface StreamOpening {
  readonly link: StreamLink;
  readonly requestId: number;
  readonly subject: string;
  readonly metadata: unknown;
  readonly trace: TraceContext | undefined;
}

export class StreamReceiver implements InboundStreamPort, ByteBuffer {
  readonly from: NodeId;
  readonly fromBoot: Boot;
  readonly channel: string;
  readonly subject: string;
  readonly metadata: unknown;
  readonly trace: TraceContext | undefined;
  readonly link: StreamLink;
  readonly requestId: number;
  /** Nobody waits for the handler's result. */
  isDropped = false;

  readonly #clock: Clock;
  readonly #held: HeldBytes;
  readonly #state: InboundStream;
  readonly #iterator = new ByteIterator(this);
  #controller: AbortController | undefined;
  #broken: Error | undefined;
  /** Every byte is here, whether it was read or not. */
  #isComplete = false;
  /** The reader has left, and its sender shall know. */
  #hasLeft = false;
  #heldBytes = 0;
  /** Give the lane's window back, for pieces that use it up. */
  #releases: (() => void)[] = [];

  constructor(opening: StreamOpening, tuner: WindowTuner, clock: Clock, held: HeldBytes) {
    const { link } = opening;
    this.link = link;
    this.requestId = opening.requestId;
    this.from = link.peer.id;
    this.fromBoot = link.peer.boot;
    this.channel = link.channel;
    this.subject = opening.subject;
    this.metadata = opening.metadata;
    this.trace = opening.trace;
    this.#clock = clock;
    this.#held = held;
    this.#state = new InboundStream(tuner);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#broken !== undefined) this.#controller.abort(this.#broken);
    }
    return this.#controller.signal;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#iterator;
  }

  take(): Uint8Array | undefined {
    const piece = this.#state.take();
    if (piece === undefined) return undefined;
    const total = this.#state.grant(piece.length, this.#clock.now(), this.link.roundTripMs);
    this.#account();
    if (total !== undefined) this.#tell(total);
    return piece;
  }

  left(): void {
    this.#state.discard();
    this.#account();
    this.#hasLeft = true;
    this.#tell(STOP);
  }

  /** A piece came; false: its sender has no credit for it. */
  onPiece(piece: Uint8Array): boolean {
    const result = this.#state.receive(piece);
    if (result !== "kept") return result === "dropped";
    if (this.#held.isOverLimit) this.#releases.push(this.link.hold(piece.length));
    this.#account();
    this.#iterator.wake();
    return true;
  }

  onEnd(totalBytes: number): void {
    if (this.#state.isOver) return;
    this.#isComplete = this.#state.end(totalBytes);
    if (this.#isComplete) return this.#iterator.end();
    this.break("connection-lost", "a part of it was lost on the way");
  }

  /** The new connection has lost what was told over the old one. */
  tellAgain(): void {
    if (this.#hasLeft) this.#tell(STOP);
    else if (!this.#state.isOver) this.#tell(this.#state.grantedBytes);
  }

  break(reason: BreakReason, why: string): void {
    this.breakWith(streamBroken(this.subject, this.from, reason, why));
  }

  /** Nobody waits for the handler's result any more, and the iteration throws this. */
  breakWith(error: Error): void {
    if (this.#broken !== undefined) return;
    this.#broken = error;
    // What is here to its end is read to its end: an iterator that has its end cannot fail any more, and to take its
    // bytes away would end it in silence.
    if (!this.#isComplete) {
      this.#state.discard();
      this.#account();
      this.#iterator.fail(error);
    }
    this.#controller?.abort(error);
  }

  /** The handler has settled: who still reads gets an error. */
  close(): void {
    this.#iterator.fail(
      streamBroken(this.subject, this.from, "handler-ended", "its handler has finished"),
    );
    this.#state.close();
    this.#account();
  }

  #tell(totalBytes: number): void {
    const payload = new Uint8Array(6);
    writeU48(payload, 0, totalBytes);
    this.link.postControl(MessageType.streamWindow, this.requestId, payload);
  }

  #account(): void {
    const { heldBytes } = this.#state;
    this.#held.add(heldBytes - this.#heldBytes);
    this.#heldBytes = heldBytes;
    if (heldBytes > 0 || this.#releases.length === 0) return;
    const releases = this.#releases;
    this.#releases = [];
    for (const release of releases) release();
  }
}
