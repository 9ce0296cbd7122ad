/**
 * WebSocketConnection: the Connection port on one `ws` socket, of either side.
 *
 * Invariants: `closed` settles once, after the last frame was delivered; frames wait while there is
 * no receiver or while it is paused, and the socket is paused then too, so at most one chunk of it
 * waits here. Whoever has broken a rule is told so, and not listened to any more.
 */
import type { Connection, ConnectionEnd } from "@foundation/core";
import type { Duplex } from "node:stream";
import type { RawData } from "ws";
import { WebSocket } from "#ws";
import { FrameSplitter } from "./frame-splitter.js";
import { FrameWriter } from "./frame-writer.js";
import { FAREWELL_MS, SOCKET } from "./options.js";
import type { YoungCollection } from "./young-collection.js";

/**
 * Private close codes (4000 to 4999, RFC 6455 §7.4.2) for the reasons that have no standard one.
 */
const CODES = {
  closed: 1000,
  protocol: 1002,
  lost: 4000,
  replaced: 4001,
  refused: 4002,
  timeout: 4003,
} as const;
const POLICY = 1008;
const TOO_BIG = 1009;
const TEXT_REFUSED = 1003;
const DETAIL_BYTES_MAX = 120;

export class WebSocketConnection implements Connection {
  readonly remote: string;
  /** What `ws` reads is read for us alone. */
  readonly givesFrames = true;
  readonly closed: Promise<ConnectionEnd>;

  readonly #socket: WebSocket;
  readonly #frameBytesMax: number;
  readonly #onLimit: ((limit: string) => void) | undefined;
  readonly #garbage: YoungCollection | undefined;
  #binding: Uint8Array | undefined;
  /** Absent until the socket is open. */
  #writer: FrameWriter | undefined;
  #pings = 0;
  #pingsSinceMs = 0;
  #receive: ((frame: Uint8Array) => void) | undefined;
  #waiting: Uint8Array[] = [];
  #pauses = 0;
  #end: ConnectionEnd | undefined;
  #ended = false;
  #farewell: NodeJS.Timeout | undefined;
  #drains: { lowWaterBytes: number; resolve: () => void }[] = [];
  readonly #written = () => {
    if (this.#drains.length > 0) this.#settleDrains();
  };

  /**
   * @param onLimit told of the name of a limit that ends it
   * @param garbage told of what was received and handled
   */
  constructor(
    socket: WebSocket,
    remote: string,
    frameBytesMax: number,
    onLimit?: (limit: string) => void,
    garbage?: YoungCollection,
  ) {
    this.#socket = socket;
    this.remote = remote;
    this.#frameBytesMax = frameBytesMax;
    this.#onLimit = onLimit;
    this.#garbage = garbage;
    socket.binaryType = "nodebuffer";
    socket.pause();
    socket.on("message", (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on("ping", () => this.#onPing());
    socket.on("pong", () => this.#onPing());
    socket.on("error", (error: NodeJS.ErrnoException) => {
      const protocol = error.code?.startsWith("WS_ERR_") === true;
      this.#end ??= { reason: protocol ? "protocol" : "lost", detail: error.message };
      // `ws` has written its close and would read on, to throw it away, until that is answered.
      this.#takeLeave(this.#end.reason);
    });
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, detail) => resolve(this.#onClose(code, detail.toString("utf8"))));
    });
  }

  get binding(): Uint8Array | undefined {
    return this.#binding;
  }

  /** What TLS gives both ends, before the first frame. */
  bind(binding: Uint8Array): void {
    this.#binding = binding;
  }

  /** The stream is there, before the first frame. @param isMasked this is the side that has dialled */
  writeTo(stream: Duplex, isMasked: boolean): void {
    this.#writer = new FrameWriter(stream, isMasked);
  }

  /**
   * Frames of nodes are cut out of what the stream reads, as long as nothing else comes; `ws` listens to the stream already,
   * and reads all of it from the first byte on that is not for us. @param isMasked the other side has dialled
   */
  readFrom(stream: Duplex, isMasked: boolean): void {
    const [toWs, ...others] = stream.listeners("data") as ((chunk: Buffer) => void)[];
    if (toWs === undefined || others.length > 0) return;
    const limits = { frameBytesMax: this.#frameBytesMax, chunksMax: SOCKET.chunksMax };
    const splitter = new FrameSplitter({ isMasked, ...limits }, (frame) => this.#onFrame(frame));
    const read = (chunk: Buffer) => {
      if (!splitter.read(chunk)) handOver();
    };
    const handOver = () => {
      stream.off("data", read).off("close", handOver).prependListener("data", toWs);
      for (const chunk of splitter.rest()) {
        // It stops to listen at a close, and when a rule is broken.
        if (stream.listeners("data").includes(toWs)) toWs.call(stream, chunk);
      }
    };
    // What the stream still has when it ends, `ws` reads itself: behind what is kept here.
    stream.off("data", toWs).on("data", read).prependListener("close", handOver);
  }

  get bufferedBytes(): number {
    return this.#ended ? 0 : this.#socket.bufferedAmount;
  }

  send(frame: Uint8Array, released?: () => void): void {
    if (this.#end !== undefined || this.#socket.readyState !== WebSocket.OPEN) return;
    if (frame.length > this.#frameBytesMax) {
      const detail = `a frame of ${frame.length} bytes; ${this.#frameBytesMax} are allowed`;
      this.#closeWith(TOO_BIG, { reason: "protocol", detail });
      return;
    }
    if (released === undefined) {
      this.#writer?.write(frame, this.#written);
      return;
    }
    this.#writer?.write(frame, () => {
      this.#written();
      released();
    });
  }

  onFrame(receive: (frame: Uint8Array) => void): void {
    this.#receive = receive;
    this.#deliverWaiting();
  }

  drained(lowWaterBytes: number): Promise<void> {
    if (this.bufferedBytes <= lowWaterBytes) return Promise.resolve();
    return new Promise((resolve) => this.#drains.push({ lowWaterBytes, resolve }));
  }

  pause(): () => void {
    this.#pauses += 1;
    this.#socket.pause();
    let resumed = false;
    return () => {
      if (resumed) return;
      resumed = true;
      this.#pauses -= 1;
      this.#deliverWaiting();
    };
  }

  close(end: ConnectionEnd = { reason: "closed", detail: "closed by this side" }): void {
    this.#closeWith(CODES[end.reason], end);
  }

  /**
   * Closes the connection when more than `bytesMax` come by its stream before `admit`: what `ws`
   * itself gathers for one frame is bounded only by the largest frame of members.
   */
  restrict(stream: Duplex, bytesMax: number, admitted: () => void): void {
    let leftBytes = bytesMax;
    const count = (chunk: Buffer) => {
      leftBytes -= chunk.length;
      if (leftBytes >= 0) return;
      stream.off("data", count);
      this.#onLimit?.("strangerBytesMax");
      // From here to the end nothing more is read, and what was read already is for nobody.
      this.onFrame(() => {});
      this.#socket.pause();
      const detail = `a stranger sent more than ${bytesMax} bytes`;
      // Where a rule of WebSockets was broken too, `ws` says so in this turn: the better reason.
      setImmediate(() => this.#closeWith(TOO_BIG, { reason: "protocol", detail }));
    };
    this.admit = () => {
      stream.off("data", count);
      admitted();
    };
    stream.on("data", count);
  }

  /** The other side has proved who it is. */
  admit: () => void = () => {};

  /** Ends it at once, with what is not written yet: for a listener that cannot wait any longer. */
  terminate(): void {
    this.#end ??= { reason: "closed", detail: "terminated by this side" };
    this.#socket.terminate();
  }

  #closeWith(code: number, end: ConnectionEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    // A paused socket would never see the other side's close frame.
    if (end.reason !== "protocol") this.#socket.resume();
    this.#socket.close(code, detailBytes(end.detail));
    this.#takeLeave(end.reason);
  }

  /**
   * Whoever leaves in peace may answer for as long as `ws` waits; anybody else has to hear it now.
   * One that has broken a rule is not read any more either: a flood would go on to cost us time.
   */
  #takeLeave(reason: ConnectionEnd["reason"]): void {
    if (reason === "closed" || reason === "lost" || this.#ended) return;
    this.#farewell ??= setTimeout(() => this.#socket.terminate(), FAREWELL_MS);
    if (reason !== "protocol") return;
    this.#waiting = [];
    this.#receive = () => {};
    this.#socket.pause();
    // Later than `ws`, which lets its socket go on after an error of its own.
    setImmediate(() => this.#socket.pause());
  }

  /** Nodes send neither pings nor pongs: a few are answered, as the RFC demands, a flood ends it. */
  #onPing(): void {
    const nowMs = performance.now();
    if (nowMs - this.#pingsSinceMs > SOCKET.pingWindowMs) {
      this.#pingsSinceMs = nowMs;
      this.#pings = 0;
    }
    this.#pings += 1;
    if (this.#pings <= SOCKET.pingsMax || this.#end !== undefined) return;
    this.#onLimit?.("pingsMax");
    const detail = `more than ${SOCKET.pingsMax} WebSocket pings in ${SOCKET.pingWindowMs} ms`;
    this.#closeWith(POLICY, { reason: "protocol", detail });
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (!isBinary) {
      this.#closeWith(TEXT_REFUSED, { reason: "protocol", detail: "the peer sent a text frame" });
      return;
    }
    this.#onFrame(data as Buffer);
  }

  #onFrame(frame: Uint8Array): void {
    if (this.#receive === undefined || this.#pauses > 0 || this.#waiting.length > 0) {
      this.#waiting.push(frame);
    } else {
      this.#receive(frame);
      this.#garbage?.passed(frame.length);
    }
  }

  #deliverWaiting(): void {
    if (this.#end?.reason === "protocol") return;
    while (this.#receive !== undefined && this.#pauses === 0 && this.#waiting.length > 0) {
      const frame = this.#waiting.shift() as Uint8Array;
      this.#receive(frame);
      this.#garbage?.passed(frame.length);
    }
    if (this.#receive !== undefined && this.#pauses === 0) this.#socket.resume();
  }

  #onClose(code: number, detail: string): ConnectionEnd {
    this.#ended = true;
    clearTimeout(this.#farewell);
    this.#settleDrains();
    this.#end ??= {
      reason: reasonOf(code),
      detail: detail || `the connection ended with code ${code}`,
    };
    return this.#end;
  }

  #settleDrains(): void {
    const bufferedBytes = this.bufferedBytes;
    const settled = this.#drains.filter((drain) => bufferedBytes <= drain.lowWaterBytes);
    if (settled.length === 0) return;
    this.#drains = this.#drains.filter((drain) => bufferedBytes > drain.lowWaterBytes);
    for (const drain of settled) drain.resolve();
  }
}

/** As much of a text as a close frame holds, without cutting a character in two. */
function detailBytes(detail: string): Buffer {
  const bytes = Buffer.alloc(DETAIL_BYTES_MAX);
  return bytes.subarray(0, new TextEncoder().encodeInto(detail, bytes).written);
}

function reasonOf(code: number): ConnectionEnd["reason"] {
  switch (code) {
    case 1000:
    case 1001:
      return "closed";
    case CODES.replaced:
      return "replaced";
    case CODES.refused:
      return "refused";
    case CODES.timeout:
      return "timeout";
    case 1002:
    case TEXT_REFUSED:
    case 1007:
    case POLICY:
    case TOO_BIG:
      return "protocol";
    default:
      return "lost";
  }
}
