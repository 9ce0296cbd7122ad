/**
 * LinkOutflow: the middle layer of a link: what it has to send, and when it leaves.
 *
 * What a turn has gathered is written when the turn ends, or when a batch is full; how much, is what
 * the peer's credit and the connection's own short queue allow. Everything else waits here, in
 * order. Streams are asked for a piece when nothing else waits, so that no message waits behind more
 * than one.
 *
 * Invariants: what is in `sentFrames` may have arrived, what is not cannot have; control frames
 * overtake what waits, and nothing else does; every queue has a limit in limits.ts.
 */
import type { Connection, ConnectionEnd } from "@foundation/core";
import type { Priority } from "../channel-options.js";
import { FLOW, LINK } from "../limits.js";
import { BatchWriter } from "../protocol/batch.js";
import { droppableMessages } from "../protocol/delivery/droppable.js";
import { FrameKind, type MessageType } from "../protocol/frame.js";
import { BulkSources, type BulkSource } from "./bulk-sources.js";
import type { LatestSource } from "./delivery/latest-source.js";
import type { Flushable } from "./flush-queue.js";
import { LinkCounters } from "./link-stats.js";
import { LinkWaiters, type Waiter } from "./link-waiters.js";
import { LinkWriter } from "./link-writer.js";

export abstract class LinkOutflow extends LinkWriter implements Flushable {
  abstract readonly channel: string;
  readonly counters = new LinkCounters();
  /** Its share of its channel's gauge: kept by the metrics. */
  reportedBytes = 0;
  /** What waits on a monotonic channel. */
  latest: LatestSource | undefined;

  protected connection: Connection | undefined;
  protected readonly waiters = new LinkWaiters();
  #controls: BatchWriter | undefined;
  /** The connection's queue when it was last looked at. */
  #bufferedBytes = 0;
  #armed = false;
  /** The connection is full: it is waited for. */
  #draining = false;
  #pumping = false;
  #held = false;
  readonly #sources = new BulkSources();

  get priority(): Priority {
    return this.settings.priority;
  }

  get isUp(): boolean {
    return this.connection !== undefined;
  }

  abstract get isClosed(): boolean;

  /** Frames, and large messages, of which something was handed to a connection so far. */
  get sentFrames(): number {
    return this.outgoing.begun;
  }

  /** What is under way when a connection breaks is written again over the next one. */
  get retains(): boolean {
    return this.outgoing.retains;
  }

  get hasUnsent(): boolean {
    const isWaiting = this.outgoing.hasWaiting || this.batch.pendingBytes > 0;
    return isWaiting || !this.waiters.isEmpty || this.latest?.hasPending === true;
  }

  /** Bytes accepted and not yet with the operating system. May be a little old, never too small. */
  get queuedBytes(): number {
    return this.batch.pendingBytes + this.outgoing.queuedBytes + this.#bufferedBytes;
  }

  /** Room for a message that shall not wait. */
  get hasRoom(): boolean {
    return this.waiters.isEmpty && this.#isBelow(LINK.highWaterBytes);
  }

  /** Above the hard limit, or others wait already: what cannot wait is not taken. */
  get isFull(): boolean {
    return !this.waiters.isEmpty || this.isOverLimit;
  }

  /** Above the hard limit. For what keeps no order with waiting sends. */
  get isOverLimit(): boolean {
    return !this.#isBelow(LINK.queueBytesMax);
  }

  get canWait(): boolean {
    return this.waiters.canTake;
  }

  /** Calls `waiter.ready` when there is room, in the order of the calls. */
  whenRoom(waiter: Waiter): void {
    this.waiters.add(waiter);
    this.#serveWaiters();
  }

  /** Resolves when everything accepted has been written, or was dropped. */
  flushed(): Promise<void> {
    if (!this.hasUnsent) return Promise.resolve();
    return new Promise((resolve) => this.waiters.whenEmpty(resolve));
  }

  /** Drops the oldest unsent messages that may be; answers how many, undefined: there are none. */
  dropOldest(): number | undefined {
    this.batch.seal();
    let messages: number | undefined;
    const isDroppable = (frame: Uint8Array) => {
      messages = droppableMessages(frame);
      return messages !== undefined;
    };
    return this.outgoing.dropOldest(isDroppable) === undefined ? undefined : messages;
  }

  /** Appends one control message: it overtakes what waits, and is lost with its connection. */
  postControl(type: MessageType, requestId: number, payload: Uint8Array): void {
    if (this.connection === undefined) return;
    this.#controls ??= new BatchWriter(
      this.world.batchBytes,
      (frame) => this.#write(frame),
      FrameKind.control,
    );
    this.#controls.append(type, 0, 0, requestId, 0, undefined, payload);
    this.arm();
  }

  /** Asks a source for pieces from now on, in turn with others, while nothing else waits. */
  addSource(source: BulkSource): void {
    this.wake(source);
  }

  /** A source has something to send again. */
  wake(source: BulkSource): void {
    this.#sources.wake(source);
    this.arm();
  }

  removeSource(source: BulkSource): void {
    this.#sources.remove(source);
  }

  /**
   * The other side was told that nothing more comes over this connection, so that it may end it: data waits for the next
   * one, or until it is let go on.
   */
  holdBack(isHeld: boolean): void {
    if (this.#held === isHeld) return;
    this.#held = isHeld && this.connection !== undefined;
    if (!isHeld) this.pump();
  }

  get isHeldBack(): boolean {
    return this.#held;
  }

  /** Writes what the turn has gathered; called when it ends. */
  flush(): void {
    this.#armed = false;
    this.#controls?.seal();
    this.batch.seal();
    this.pump();
  }

  abstract disconnect(end: ConnectionEnd): void;
  abstract dropUnsent(): void;

  /** Has this link flushed when the turn ends. */
  override arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    this.world.flushes.add(this);
  }

  protected override sealed(): void {
    this.pump();
    if (this.queuedBytes > LINK.stalledBytesMax && !this.#isBelow(LINK.stalledBytesMax)) {
      const detail = `the peer is ${this.queuedBytes} bytes behind`;
      this.disconnect({ reason: "timeout", detail });
      this.dropUnsent();
    }
  }

  /** A connection is there: data leaves once the peer has resumed. */
  protected connected(connection: Connection): void {
    this.connection = connection;
    this.#draining = false;
    this.counters.connections += 1;
    this.outgoing.attach();
  }

  /** The connection is gone. */
  protected disconnected(): void {
    this.connection = undefined;
    this.#held = false;
    this.#controls = undefined;
    this.#bufferedBytes = 0;
    this.#draining = false;
    const cutOff = this.outgoing.detach();
    if (cutOff > 0) this.world.metrics.dropped("cut-off", cutOff);
  }

  protected dropWaiting(): void {
    const messages = this.outgoing.dropWaiting();
    if (messages > 0) this.world.metrics.dropped("link-not-opened", messages);
    this.report();
  }

  /** Writes as much as credit and the connection's queue allow. */
  protected pump(): void {
    const { connection, outgoing } = this;
    if (this.#pumping) return;
    if (connection === undefined || this.#draining || this.#held) return this.report();
    this.#pumping = true;
    do {
      this.#writeTo(connection);
      this.#serveWaiters();
    } while (this.connection === connection && outgoing.hasWaiting && this.#mayWrite(connection));
    this.#pumping = false;
    if (this.connection !== connection) return;
    if (this.#bufferedBytes >= FLOW.socketBytesMax) this.#awaitDrain(connection);
    this.counters.onBlocked(outgoing.hasWaiting ? outgoing.blocked : undefined, this.world);
    this.report();
    if (!this.hasUnsent) this.waiters.emptied();
  }

  /** Looks at the connection's queue anew. */
  protected measureQueue(): void {
    this.#bufferedBytes = this.connection?.bufferedBytes ?? 0;
  }

  protected report(): void {
    this.world.metrics.queued(this, this.isClosed ? 0 : this.queuedBytes);
  }

  #isBelow(limitBytes: number): boolean {
    if (this.queuedBytes < limitBytes) return true;
    this.measureQueue();
    return this.queuedBytes < limitBytes;
  }

  #mayWrite(connection: Connection): boolean {
    return this.outgoing.blocked === undefined && connection.bufferedBytes < FLOW.socketBytesMax;
  }

  #writeTo(connection: Connection): void {
    const { outgoing } = this;
    while (connection.bufferedBytes < FLOW.socketBytesMax) {
      const frame = outgoing.next();
      if (frame !== undefined) {
        this.counters.messagesOut += outgoing.messages;
        this.world.metrics.messagesOut.add(outgoing.messages);
        const { memory } = outgoing;
        this.#write(frame, memory === undefined ? undefined : () => this.world.memory.give(memory));
      } else if (!this.#pull()) {
        break;
      }
    }
    this.#bufferedBytes = connection.bufferedBytes;
  }

  /** A source posts one piece; false: nobody has any, or it must wait. */
  #pull(): boolean {
    if (this.outgoing.blocked !== undefined) return false;
    if (!this.#sources.pull()) return false;
    this.batch.seal();
    return true;
  }

  #write(frame: Uint8Array, released?: () => void): void {
    const { metrics } = this.world;
    metrics.framesOut.add();
    metrics.bytesOut.add(frame.length);
    this.counters.bytesOut += frame.length;
    if (released === undefined) this.connection?.send(frame);
    else this.connection?.send(frame, released);
  }

  #awaitDrain(connection: Connection): void {
    this.#draining = true;
    const stalled = this.world.clock.setTimer(FLOW.stalledMsMax, () => {
      if (this.connection !== connection) return;
      const detail = `the peer has taken nothing for ${FLOW.stalledMsMax} ms`;
      this.disconnect({ reason: "timeout", detail });
    });
    void connection.drained(FLOW.socketBytesLow).then(() => {
      stalled.cancel();
      if (this.connection !== connection) return;
      this.#draining = false;
      this.pump();
    });
  }

  /** Serves the waiting sends in order, while there is room. */
  #serveWaiters(): void {
    if (this.connection === undefined) return;
    while (!this.waiters.isEmpty && this.#isBelow(LINK.highWaterBytes)) this.waiters.serve();
  }
}
