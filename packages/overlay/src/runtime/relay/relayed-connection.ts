/**
 * RelayedConnection: the Connection port over frames that travel from neighbour to neighbour.
 *
 * For what is above it is a connection like any other: the handshake, channels, credit and requests
 * run over it from end to end. It has no binding (RFC 9266): each link on the way is encrypted and
 * authenticated, the whole is not, so the nodes between could read what passes. They are members.
 *
 * Invariants: frames are delivered in the order they were sent, once; what waits here to be
 * delivered is at most a window and one frame; `closed` settles once, after the last frame was
 * delivered; after the end nothing is sent and nothing delivered.
 */
import type { Clock, Connection, ConnectionEnd, NodeId, Timer } from "@foundation/core";
import {
  breakFrame,
  closeFrame,
  creditFrame,
  readClose,
  readCredit,
  RelayType,
} from "../../protocol/relay/frames.js";
import type { RelayLimits } from "../../protocol/relay/limits.js";
import { RelayedReceiver } from "./relayed-receiver.js";
import { RelayedSender } from "./relayed-sender.js";

/** What a connection needs of its node. */
export interface RelayWire {
  readonly clock: Clock;
  readonly limits: RelayLimits;
  /** Memory for one piece, used again for each: `send` has taken the bytes when it returns. */
  readonly scratch: Uint8Array;
  /** Sends a frame to the connection's neighbour; false: there is no link, and it has ended. */
  send(connection: RelayedConnection, frame: Uint8Array): boolean;
  /** It has ended: nothing of it is expected any more. */
  ended(connection: RelayedConnection, end: ConnectionEnd): void;
  /** The other end has broken a rule. */
  garbage(): void;
}

/** Which connection it is. */
export interface RelayedIdentity {
  readonly connection: number;
  readonly route: readonly NodeId[];
  /** The place of this end in the route: the first or the last. */
  readonly index: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class RelayedConnection implements Connection {
  readonly remote: string;
  readonly binding = undefined;
  readonly closed: Promise<ConnectionEnd>;
  readonly identity: RelayedIdentity;
  /** Over whom it leads. */
  readonly neighbor: NodeId;

  readonly #wire: RelayWire;
  #state: "opening" | "open" | "closing" | "ended" = "opening";
  readonly #sender: RelayedSender;
  readonly #receiver: RelayedReceiver;
  /** Why this side ends it, and what the other side said when it closed. */
  #ownEnd: ConnectionEnd | undefined;
  #theirEnd: ConnectionEnd | undefined;
  #hasTakenEnd = false;
  #hasSentClose = false;
  #closeTimer: Timer | undefined;
  #resolveClosed: (end: ConnectionEnd) => void = () => {};

  constructor(identity: RelayedIdentity, wire: RelayWire) {
    const { connection, route, index } = identity;
    const { limits, scratch } = wire;
    this.identity = identity;
    this.neighbor = route[index === 0 ? 1 : index - 1] as NodeId;
    // Up to the last colon it names the host, whose handshakes are counted together.
    const other = route[index === 0 ? route.length - 1 : 0] as NodeId;
    this.remote = `relayed/${other}:${connection.toString(16)}`;
    this.#wire = wire;
    this.#receiver = new RelayedReceiver(limits, (totalBytes) => {
      wire.send(this, creditFrame(connection, totalBytes));
    });
    this.#sender = new RelayedSender(connection, limits, scratch, (piece) =>
      wire.send(this, piece),
    );
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Frames of which something waits for credit. */
  get bufferedBytes(): number {
    return this.#sender.bufferedBytes;
  }

  /** Bytes that have come and that the receiver has not taken, heads included. */
  get heldBytes(): number {
    return this.#receiver.heldBytes;
  }

  get isEnded(): boolean {
    return this.#state === "ended";
  }

  /** Both ends know of it; the other one lets so much come. */
  opened(windowBytes: number): void {
    if (this.#state !== "opening") return;
    this.#state = "open";
    this.#sender.opened(windowBytes);
  }

  send(frame: Uint8Array, released?: () => void): void {
    if (this.#state !== "open") return;
    const { frameBytesMax, sendBytesMax } = this.#wire.limits;
    if (frame.length > frameBytesMax) {
      const detail = `a frame of ${frame.length} bytes; ${frameBytesMax} are allowed`;
      return this.#break({ reason: "protocol", detail });
    }
    this.#sender.send(frame, released);
    if (this.bufferedBytes <= sendBytesMax) return;
    const detail = `more than ${sendBytesMax} bytes wait for the other end to take them`;
    this.#break({ reason: "timeout", detail });
  }

  onFrame(receive: (frame: Uint8Array) => void): void {
    this.#receiver.takenBy(receive);
    this.#deliver();
  }

  drained(lowWaterBytes: number): Promise<void> {
    return this.#sender.drained(lowWaterBytes);
  }

  pause(): () => void {
    const resume = this.#receiver.pause();
    return () => {
      if (resume()) this.#deliver();
    };
  }

  close(end: ConnectionEnd = { reason: "closed", detail: "closed by this side" }): void {
    if (this.#state !== "open") return;
    this.#leave(end);
    // Who closes wants no more: what nobody takes must not hold up the end.
    if (this.#receiver.isHeldUp) this.#receiver.discard();
    this.#deliver();
    this.#pump();
  }

  /** A frame of this connection came; opens, accepts and breaks are the node's own affair. */
  take(frame: Uint8Array): void {
    if (this.isEnded) return;
    switch (frame[0]) {
      case RelayType.data:
      case RelayType.part:
        return this.#onPiece(frame);
      case RelayType.credit: {
        const total = readCredit(frame);
        if (total === undefined || !this.#sender.grant(total))
          return this.violated("credit that cannot be");
        return this.#pump();
      }
      case RelayType.close: {
        const closed = readClose(frame, this.#wire.limits.detailBytesMax);
        if (closed === undefined || this.#theirEnd !== undefined || this.#state === "opening")
          return this.violated("a close that cannot be");
        this.#theirEnd = { reason: closed.reason, detail: decoder.decode(closed.text) };
        return this.#deliver();
      }
      default:
        return this.violated("a frame that is not for it");
    }
  }

  /** The other end has broken a rule: it ends at both, at once. */
  violated(what: string): void {
    this.#wire.garbage();
    this.#break({ reason: "protocol", detail: `the other end sent ${what}` });
  }

  /** Ends it at once, with what was not sent or not delivered yet. The other end is not told. */
  end(end: ConnectionEnd): void {
    if (this.isEnded) return;
    this.#state = "ended";
    this.#closeTimer?.cancel();
    this.#receiver.end();
    this.#wire.ended(this, end);
    this.#sender.end();
    this.#resolveClosed(end);
  }

  #onPiece(frame: Uint8Array): void {
    if (this.#theirEnd !== undefined || this.#state === "opening")
      return this.violated("a frame outside of the connection's life");
    const broken = this.#receiver.came(frame);
    if (broken !== undefined) this.violated(broken);
  }

  /** Hands over what waits, while somebody takes it; then the other side's end. */
  #deliver(): void {
    if (this.#receiver.deliver()) this.#takeEnd();
  }

  /** The other side's end comes after its last frame; a receiver that pauses holds up both. */
  #takeEnd(): void {
    if (this.#theirEnd === undefined || this.#hasTakenEnd || this.isEnded) return;
    const isPaused = this.#receiver.isPaused && this.#ownEnd === undefined;
    if (isPaused || !this.#receiver.isEmpty) return;
    this.#hasTakenEnd = true;
    if (this.#ownEnd === undefined) this.#leave(this.#theirEnd);
    this.#pump();
  }

  #leave(end: ConnectionEnd): void {
    this.#state = "closing";
    this.#ownEnd = end;
    const { clock, limits } = this.#wire;
    this.#closeTimer = clock.setTimer(limits.closeTimeoutMs, () => {
      this.#sendBreak("lost");
      this.end(end);
    });
  }

  /** Writes what credit allows, and the close behind it. */
  #pump(): void {
    this.#sender.pump();
    if (this.#ownEnd === undefined || this.isEnded || !this.#sender.isEmpty) return;
    if (!this.#hasSentClose) {
      this.#hasSentClose = true;
      const { reason, detail } = this.#ownEnd;
      const text = textOf(detail, this.#wire.limits.detailBytesMax);
      this.#wire.send(this, closeFrame(this.identity.connection, reason, text));
    }
    if (this.#hasTakenEnd) this.end(this.#ownEnd);
  }

  /** Ends it at both ends, at once. */
  #break(end: ConnectionEnd): void {
    if (this.isEnded) return;
    this.#sendBreak(end.reason);
    this.end(end);
  }

  #sendBreak(reason: ConnectionEnd["reason"]): void {
    const { connection, index } = this.identity;
    this.#wire.send(this, breakFrame(connection, { reason, refusal: undefined, index }));
  }
}

/** As much of a text as an end may have, without cutting a character in two. */
function textOf(detail: string, bytesMax: number): Uint8Array {
  const bytes = new Uint8Array(bytesMax);
  return bytes.subarray(0, encoder.encodeInto(detail, bytes).written);
}
