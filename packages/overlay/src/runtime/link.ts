/**
 * Link: one lane of one channel to one peer, whether its connection is up, being opened or being
 * reopened.
 *
 * Messages of a turn are batched and written when the turn ends, or when 64 KiB have gathered.
 * While there is no connection, finished frames wait here and go over the next one, in order.
 *
 * Invariants: a frame is handed to a connection at most once, so nothing arrives twice; what is in
 * `sentFrames` may have arrived, what is not cannot have. The queue is bounded: see LINK in
 * limits.ts.
 */
import type { Clock, Connection, ConnectionEnd, TraceContext } from "@foundation/core";
import { LINK } from "../limits.js";
import { BatchWriter, type Position } from "../protocol/batch.js";
import { FrameReader, MessageType } from "../protocol/frame.js";
import type { OverlayMetrics } from "./metrics.js";
import type { Peer } from "./peer.js";

/** What a link tells its owner. */
export interface LinkOwner {
  /** A frame came; the link is `link.reader`'s. */
  receive(link: Link, frame: Uint8Array): void;
  /** Its connection has ended; frames handed to it may or may not have arrived. */
  broken(link: Link, end: ConnectionEnd): void;
  /** What was not written is about to be dropped. */
  dropping(link: Link): void;
}

/** What all links share. */
export interface LinkWorld {
  readonly clock: Clock;
  readonly metrics: OverlayMetrics;
  readonly batchBytes: number;
  readonly owner: LinkOwner;
}

/** A sender that waits for room. */
export interface Waiter {
  /** What it keeps in memory while it waits. */
  readonly sizeBytes: number;
  /** There is room: append now. */
  ready(): void;
  /** The link is gone. */
  fail(): void;
}

const EMPTY = new Uint8Array(0);
/** A node has thousands of links: what most of them never use is made when it is used. */
const NO_PINGS: ReadonlyMap<number, (alive: boolean) => void> = new Map();

export class Link {
  readonly peer: Peer;
  readonly channel: string;
  readonly lane: number;
  /**
   * Decodes this link's frames; one for each link, because handlers may run while it is in the
   * middle of a frame.
   */
  readonly reader = new FrameReader();
  /** Frames handed to a connection so far. */
  sentFrames = 0;
  /** Being dialled or asked for: kept by the opener. */
  opening = false;

  readonly #clock: Clock;
  readonly #owner: LinkOwner;
  readonly #metrics: OverlayMetrics;
  readonly #writer: BatchWriter;
  readonly #flush = () => {
    this.#armed = false;
    this.#writer.seal();
  };
  #connection: Connection | undefined;
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  /** The connection's queue when it was last looked at. */
  #bufferedBytes = 0;
  #messages = 0;
  #armed = false;
  #closed = false;
  #waiters: Waiter[] = [];
  #waitingBytes = 0;
  #draining = false;
  #pings: Map<number, (alive: boolean) => void> | undefined;
  #lastPing = 0;

  constructor(peer: Peer, channel: string, lane: number, world: LinkWorld) {
    this.peer = peer;
    this.channel = channel;
    this.lane = lane;
    this.#clock = world.clock;
    this.#metrics = world.metrics;
    this.#owner = world.owner;
    this.#writer = new BatchWriter(world.batchBytes, (frame) => this.#onSealed(frame));
  }

  get isUp(): boolean {
    return this.#connection !== undefined;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get hasUnsent(): boolean {
    return this.#unsent.length > 0 || this.#writer.pendingBytes > 0 || this.#waiters.length > 0;
  }

  /** Bytes accepted and not yet with the operating system. May be a little old, never too small. */
  get queuedBytes(): number {
    return this.#writer.pendingBytes + this.#unsentBytes + this.#bufferedBytes;
  }

  /** Room for a message that shall not wait. */
  get hasRoom(): boolean {
    return this.#waiters.length === 0 && this.#isBelow(LINK.highWaterBytes);
  }

  /** Above the hard limit, or others wait already: what cannot wait is not taken. */
  get isFull(): boolean {
    return this.#waiters.length > 0 || this.isOverLimit;
  }

  /** Above the hard limit. For what keeps no order with waiting sends. */
  get isOverLimit(): boolean {
    return !this.#isBelow(LINK.queueBytesMax);
  }

  get canWait(): boolean {
    return this.#waiters.length < LINK.waitersMax && this.#waitingBytes < LINK.waitingBytesMax;
  }

  /** Appends one message; it leaves when the turn ends. The caller has looked for room. */
  post(
    type: MessageType,
    flags: number,
    subject: number,
    requestId: number,
    deadlineMs: number,
    trace: TraceContext | undefined,
    payload: Uint8Array,
  ): Position {
    this.#messages += 1;
    this.#writer.append(type, flags, subject, requestId, deadlineMs, trace, payload);
    if (!this.#armed) {
      this.#armed = true;
      this.#clock.endOfTurn(this.#flush);
    }
    return this.#writer.last;
  }

  /** Calls `waiter.ready` when there is room, in the order of the calls. */
  whenRoom(waiter: Waiter): void {
    this.#waiters.push(waiter);
    this.#waitingBytes += waiter.sizeBytes;
    this.#awaitRoom();
  }

  /** Resolves when what waits for a connection has one, or was dropped. */
  opened(): Promise<void> {
    if (this.isUp || !this.hasUnsent) return Promise.resolve();
    return new Promise((resolve) => this.whenRoom({ sizeBytes: 0, ready: resolve, fail: resolve }));
  }

  /** Uses a connection from now on; what waited is written to it. */
  attach(connection: Connection): void {
    this.#connection = connection;
    this.opening = false;
    connection.onFrame((frame) => {
      if (this.#connection === connection) this.#owner.receive(this, frame);
    });
    void connection.closed.then((end) => {
      if (this.#connection === connection) this.#onBroken(end);
    });
    this.#writeUnsent();
    this.#awaitRoom();
  }

  /**
   * Asks for a sign of life; answers false when none comes in time or the connection ends first.
   */
  ping(timeoutMs: number, answer: (alive: boolean) => void): void {
    if (!this.isUp) return answer(false);
    this.#lastPing += 1;
    const id = this.#lastPing;
    const timer = this.#clock.setTimer(timeoutMs, () => this.onPong(id, false));
    this.#pings ??= new Map();
    this.#pings.set(id, (alive) => {
      timer.cancel();
      answer(alive);
    });
    this.post(MessageType.ping, 0, 0, id, 0, undefined, EMPTY);
  }

  onPong(id: number, alive = true): void {
    const answer = this.#pings?.get(id);
    this.#pings?.delete(id);
    answer?.(alive);
  }

  /**
   * Ends the connection, after what was accepted has been written; the link stays and can be
   * attached again.
   */
  disconnect(end: ConnectionEnd): void {
    this.#writer.seal();
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.close(end);
    this.#onBroken(end);
  }

  /** Drops what was not written, and tells whoever waits. */
  dropUnsent(): void {
    this.#writer.seal();
    if (this.#messages > 0) this.#metrics.dropped("link-not-opened", this.#messages);
    this.#owner.dropping(this);
    // Numbers of frames go on, so that later messages are not taken for written ones.
    this.sentFrames += this.#unsent.length;
    this.#unsent = [];
    this.#unsentBytes = 0;
    this.#messages = 0;
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#waitingBytes = 0;
    for (const waiter of waiters) waiter.fail();
  }

  /** Ends the link for good; answers when the other side has everything, or is known to be gone. */
  close(end: ConnectionEnd): Promise<unknown> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    const connection = this.#connection;
    this.disconnect(end);
    this.dropUnsent();
    return connection?.closed ?? Promise.resolve();
  }

  #isBelow(limitBytes: number): boolean {
    if (this.queuedBytes < limitBytes) return true;
    this.#bufferedBytes = this.#connection?.bufferedBytes ?? 0;
    return this.queuedBytes < limitBytes;
  }

  #onSealed(frame: Uint8Array): void {
    this.#unsent.push(frame);
    this.#unsentBytes += frame.length;
    this.#writeUnsent();
  }

  #writeUnsent(): void {
    const connection = this.#connection;
    if (connection === undefined || this.#unsent.length === 0) return;
    for (const frame of this.#unsent) {
      this.sentFrames += 1;
      this.#metrics.framesOut.add();
      this.#metrics.bytesOut.add(frame.length);
      connection.send(frame);
    }
    this.#metrics.messagesOut.add(this.#messages);
    this.#messages = 0;
    this.#unsent = [];
    this.#unsentBytes = 0;
    this.#bufferedBytes = connection.bufferedBytes;
    this.#metrics.queueBytes.set(this.#bufferedBytes);
    if (this.#bufferedBytes > LINK.stalledBytesMax) {
      const detail = `the peer is ${this.#bufferedBytes} bytes behind`;
      this.disconnect({ reason: "timeout", detail });
    }
  }

  #onBroken(end: ConnectionEnd): void {
    this.#connection = undefined;
    this.#bufferedBytes = 0;
    for (const id of [...(this.#pings ?? NO_PINGS).keys()]) this.onPong(id, false);
    this.#owner.broken(this, end);
  }

  /**
   * Serves the waiters in order: at once where there is room, else when the connection has drained.
   */
  #awaitRoom(): void {
    if (this.#draining || this.#connection === undefined) return;
    while (this.#waiters.length > 0 && this.#isBelow(LINK.highWaterBytes)) {
      const waiter = this.#waiters.shift() as Waiter;
      this.#waitingBytes -= waiter.sizeBytes;
      waiter.ready();
    }
    if (this.#waiters.length === 0) return;
    this.#writer.seal();
    this.#draining = true;
    void this.#connection.drained(LINK.lowWaterBytes).then(() => {
      this.#draining = false;
      this.#awaitRoom();
    });
  }
}
