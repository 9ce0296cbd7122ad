/**
 * MemoryConnection: one end of a connection of a MemoryNetwork.
 *
 * What one end sends goes through one queue, frames and the end alike, so a close comes after the frames before it. The
 * queue's head arrives when its time has come and the link is not cut; it is taken when the receiver is not paused.
 */
import type { Clock, Timer } from "../ports/clock.js";
import type { Connection, ConnectionEnd } from "../ports/transport.js";
import { testingLimits } from "./limits.js";

/** The way from one host to another, as the network has it at the moment. */
export interface Wire {
  readonly clock: Clock;
  readonly frameBytesMax: number;
  delayMs(): number;
  isCut(): boolean;
}

type Parcel =
  | { readonly type: "frame"; readonly arrivesMs: number; readonly bytes: Uint8Array }
  | { readonly type: "end"; readonly arrivesMs: number; readonly end: ConnectionEnd };

export class MemoryConnection implements Connection {
  readonly binding = undefined;
  readonly closed: Promise<ConnectionEnd>;
  bufferedBytes = 0;
  #peer!: MemoryConnection;
  #resolveClosed!: (end: ConnectionEnd) => void;
  #state: "open" | "closing" | "ended" = "open";
  /** What this end has sent and the other has not taken. */
  readonly #outgoing: Parcel[] = [];
  #timer: Timer | undefined;
  #closeTimer: Timer | undefined;
  #receive: ((frame: Uint8Array) => void) | undefined;
  #pauses = 0;
  #lastArrivalMs = 0;
  /** Why this side closes, and what the other side said when it closed. */
  #ownEnd: ConnectionEnd | undefined;
  #theirEnd: ConnectionEnd | undefined;
  readonly #waiting: { readonly lowWaterBytes: number; readonly resolve: () => void }[] = [];

  constructor(
    readonly host: string,
    readonly remote: string,
    readonly wire: Wire,
  ) {
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  attach(peer: MemoryConnection): void {
    this.#peer = peer;
  }

  send(frame: Uint8Array): void {
    if (this.#state !== "open") return;
    if (frame.length > this.wire.frameBytesMax) {
      const detail = `a frame of ${frame.length} bytes exceeds frameBytesMax ${this.wire.frameBytesMax}`;
      this.end({ reason: "protocol", detail });
      this.#peer.end({ reason: "protocol", detail });
      return;
    }
    this.bufferedBytes += frame.length;
    // A copy: what the sender does to its bytes afterwards must not show on the other side.
    this.#post({ type: "frame", arrivesMs: this.#nextArrivalMs(), bytes: frame.slice() });
  }

  onFrame(receive: (frame: Uint8Array) => void): void {
    this.#receive = receive;
    this.#peer.#schedule();
  }

  drained(lowWaterBytes: number): Promise<void> {
    if (this.#state === "ended" || this.bufferedBytes <= lowWaterBytes) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ lowWaterBytes, resolve }));
  }

  pause(): () => void {
    this.#pauses += 1;
    let paused = true;
    return () => {
      if (!paused) return;
      paused = false;
      this.#pauses -= 1;
      this.#peer.#schedule();
    };
  }

  close(end: ConnectionEnd = { reason: "closed", detail: "closed by this side" }): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#ownEnd = end;
    this.#post({ type: "end", arrivesMs: this.#nextArrivalMs(), end });
    this.#closeTimer = this.wire.clock.setTimer(testingLimits.closeTimeoutMs, () => {
      this.end(end);
      this.#peer.end({ reason: "lost", detail: "the other side gave up waiting for the close" });
    });
    // A receiver that closes wants no more; it must not hold up the end it waits for.
    this.#peer.#schedule();
  }

  /** Ends this side at once: a break, or the other side's end. */
  end(end: ConnectionEnd): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#timer?.cancel();
    this.#closeTimer?.cancel();
    this.#outgoing.length = 0;
    this.bufferedBytes = 0;
    this.#wake();
    this.#resolveClosed(end);
  }

  /** The network's cuts have changed. */
  wireHealed(): void {
    this.#schedule();
  }

  #nextArrivalMs(): number {
    const arrivesMs = this.wire.clock.now() + this.wire.delayMs();
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, arrivesMs);
    return this.#lastArrivalMs;
  }

  #post(parcel: Parcel): void {
    this.#outgoing.push(parcel);
    this.#schedule();
  }

  #schedule(): void {
    const head = this.#outgoing[0];
    if (!head || this.#timer) return;
    this.#timer = this.wire.clock.setTimer(head.arrivesMs - this.wire.clock.now(), () => {
      this.#timer = undefined;
      this.#deliver();
    });
  }

  /** Hands over every parcel that has arrived and can be taken. */
  #deliver(): void {
    const peer = this.#peer;
    for (;;) {
      const head = this.#outgoing[0];
      if (!head) return;
      if (head.arrivesMs > this.wire.clock.now()) return this.#schedule();
      if (this.wire.isCut() || !peer.#takes(head)) return;
      this.#outgoing.shift();
      if (head.type === "end") return peer.#takeEnd(head.end);
      this.bufferedBytes -= head.bytes.length;
      this.#wake();
      peer.#take(head.bytes);
    }
  }

  #takes(parcel: Parcel): boolean {
    if (this.#state === "closing") return true;
    if (this.#pauses > 0) return false;
    return parcel.type === "end" ? true : this.#receive !== undefined;
  }

  #take(bytes: Uint8Array): void {
    if (this.#state === "ended" || this.#pauses > 0) return;
    this.#receive?.(bytes);
  }

  /** The other side's end came after its last frame: answer with this side's, after its last frame. */
  #takeEnd(end: ConnectionEnd): void {
    this.#theirEnd = end;
    if (this.#state === "open") {
      this.#state = "closing";
      this.#ownEnd = end;
      this.#post({ type: "end", arrivesMs: this.#nextArrivalMs(), end });
    }
    this.#endWhenBothKnow();
    this.#peer.#endWhenBothKnow();
  }

  /** A side has ended when the other took its end and it took the other's. */
  #endWhenBothKnow(): void {
    if (!this.#theirEnd || !this.#peer.#theirEnd) return;
    this.end(this.#ownEnd ?? this.#theirEnd);
  }

  #wake(): void {
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      const waiter = this.#waiting[i];
      if (waiter && (this.#state === "ended" || this.bufferedBytes <= waiter.lowWaterBytes)) {
        this.#waiting.splice(i, 1);
        waiter.resolve();
      }
    }
  }
}
