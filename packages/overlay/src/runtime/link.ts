/**
 * Link: one lane of one channel to one peer, whether its connection is up, being opened or being
 * reopened.
 *
 * Messages of a turn are batched and written when the turn ends, or when 64 KiB have gathered; how
 * much, is what the peer's credit and the connection's own short queue allow. Everything else waits
 * here, in order. Larger messages become chunks when they are written; streams are asked for a piece
 * when nothing else waits, so that no message waits behind more than one.
 *
 * Invariants: what is in `sentFrames` may have arrived, what is not cannot have; a frame is handled
 * at most once (see flow/send-flow.ts for what is written again); every queue has a limit in
 * limits.ts.
 */
import type { Connection, ConnectionEnd, TraceContext } from "@foundation/core";
import type { ChannelSettings, Priority } from "../channel-options.js";
import { FAIR, FLOW, LINK } from "../limits.js";
import {
  BatchWriter,
  headBytesOf,
  writeHead,
  type OpenFrame,
  type Position,
} from "../protocol/batch.js";
import { droppableMessages } from "../protocol/delivery/droppable.js";
import { gapBytesOf } from "../protocol/flow/chunk-layout.js";
import { Assembly, ChunkedMessage } from "../protocol/flow/chunked-message.js";
import { readResume, readWindow, resumeBytes, windowBytes } from "../protocol/flow/messages.js";
import { ReceiveFlow } from "../protocol/flow/receive-flow.js";
import { SendFlow } from "../protocol/flow/send-flow.js";
import {
  Flag,
  FrameKind,
  FrameReader,
  MESSAGE_HEAD_BYTES,
  MessageType,
  writeU32,
} from "../protocol/frame.js";
import { WindowTuner } from "../protocol/streams/window-tuner.js";
import { compress } from "./delivery/compression.js";
import type { AwaitedFence } from "./delivery/fences.js";
import type { LatestSource } from "./delivery/latest-source.js";
import type { Flushable } from "./flush-queue.js";
import { LinkCounters, type LinkStats } from "./link-stats.js";
import { LinkPings } from "./link-pings.js";
import { LinkTurns } from "./link-turns.js";
import { LinkWaiters, type Waiter } from "./link-waiters.js";
import type { LinkWorld } from "./link-world.js";
import type { Peer } from "./peer.js";

/** What sends a lot, a piece at a time. */
export interface BulkSource {
  /**
   * Posts at most one piece of FLOW.chunkBytes now; false: it has nothing to send until
   * `Link.wake(source)`.
   */
  pull(link: Link): boolean;
}

/** What outlives a link, so that the same start of the peer goes on where it was. */
export interface LinkFlows {
  readonly send: SendFlow;
  readonly receive: ReceiveFlow;
  /** A large message of which some has come. */
  readonly assembly: Assembly;
}

const EMPTY = new Uint8Array(0);
/** More than a codec puts before bytes. */
const BYTES_HEAD_ROOM = 64;

export class Link implements Flushable {
  readonly peer: Peer;
  readonly channel: string;
  readonly lane: number;
  readonly settings: ChannelSettings;
  /**
   * Decodes this link's frames; one for each link, because handlers may run while it is in the
   * middle of a frame. The other reads messages that came in chunks.
   */
  readonly reader = new FrameReader();
  wholeReader: FrameReader | undefined;
  readonly assembly: Assembly;
  readonly counters = new LinkCounters();
  /** Its share of its channel's gauge. */
  reportedBytes = 0;
  /** Being dialled or asked for: kept by the opener. */
  opening = false;
  /** No more than order is promised, and a full queue is waited for: the quick way. */
  readonly isPlain: boolean;
  /** What waits on a monotonic channel. */
  latest: LatestSource | undefined;
  /** Stands before the next message that comes: kept by Fences. */
  fence: AwaitedFence | undefined;

  readonly #world: LinkWorld;
  readonly #send: SendFlow;
  readonly #receive: ReceiveFlow;
  readonly #isFree: boolean;
  readonly #isGrowing: boolean;
  readonly #writer: BatchWriter;
  #controls: BatchWriter | undefined;
  #tuner: WindowTuner | undefined;
  #connection: Connection | undefined;
  /** The connection's queue when it was last looked at. */
  #bufferedBytes = 0;
  /** Since the last frame was finished. */
  #messages = 0;
  #armed = false;
  #closed = false;
  /** The connection is full: it is waited for. */
  #draining = false;
  #pumping = false;
  #peerWantsCounts = false;
  #countArmed = false;
  readonly #waiters = new LinkWaiters();
  readonly #pings: LinkPings;
  readonly #turns = new LinkTurns();
  #sources: BulkSource[] = [];

  constructor(
    peer: Peer,
    settings: ChannelSettings,
    lane: number,
    world: LinkWorld,
    flows?: LinkFlows,
  ) {
    this.peer = peer;
    this.channel = settings.name;
    this.settings = settings;
    this.lane = lane;
    this.#world = world;
    this.#isFree = settings.name === world.freeChannel;
    this.#isGrowing = world.preset.windowGrowthMax > 1;
    const { delivery, monotonic, overflow } = settings;
    this.isPlain = delivery !== "acked" && !monotonic && overflow === "block";
    const retains = delivery !== "best";
    const { overdraftBytesMax } = FLOW;
    const { retainBytesMax } = world.preset;
    this.#send = flows?.send ?? new SendFlow({ retains, retainBytesMax, isFree: this.#isFree });
    this.#receive =
      flows?.receive ??
      new ReceiveFlow(world.random.uint32(), settings.windowBytes, overdraftBytesMax);
    this.assembly = flows?.assembly ?? new Assembly();
    peer.assemblyBytes += this.assembly.sizeBytes;
    // What was held on a link before this one is released here: the same count goes on.
    this.#receive.onReleased = () => this.consumed();
    this.#writer = new BatchWriter(world.batchBytes, (frame) => this.#onSealed(frame));
    this.#writer.frames = this.#send.nextNumber;
    this.#pings = new LinkPings(world.clock, (type, id, payload) =>
      this.postControl(type, id, payload),
    );
  }

  get priority(): Priority {
    return this.settings.priority;
  }

  /** Frames, and large messages, of which something was handed to a connection so far. */
  get sentFrames(): number {
    return this.#send.begun;
  }

  get isUp(): boolean {
    return this.#connection !== undefined;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** What is under way when a connection breaks is written again over the next one. */
  get retains(): boolean {
    return this.#send.retains;
  }

  get hasUnsent(): boolean {
    const isWaiting = this.#send.hasWaiting || this.#writer.pendingBytes > 0;
    return isWaiting || !this.#waiters.isEmpty || this.latest?.hasPending === true;
  }

  /** Bytes accepted and not yet with the operating system. May be a little old, never too small. */
  get queuedBytes(): number {
    return this.#writer.pendingBytes + this.#send.queuedBytes + this.#bufferedBytes;
  }

  /** Room for a message that shall not wait. */
  get hasRoom(): boolean {
    return this.#waiters.isEmpty && this.#isBelow(LINK.highWaterBytes);
  }

  /** Above the hard limit, or others wait already: what cannot wait is not taken. */
  get isFull(): boolean {
    return !this.#waiters.isEmpty || this.isOverLimit;
  }

  /** Above the hard limit. For what keeps no order with waiting sends. */
  get isOverLimit(): boolean {
    return !this.#isBelow(LINK.queueBytesMax);
  }

  get canWait(): boolean {
    return this.#waiters.canTake;
  }

  /** To the peer, where nothing queues; ms. */
  get roundTripMs(): number | undefined {
    const { coordination } = this.peer;
    if (coordination === undefined || coordination === this) return this.#pings.roundTripMs;
    return coordination.roundTripMs;
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
    const small = this.compressed(payload);
    const marked = small === undefined ? flags : flags | Flag.compressed;
    return this.postAsIs(type, marked, subject, requestId, deadlineMs, trace, small ?? payload);
  }

  /** A payload as it goes over this channel; undefined: as it is. A larger one is cut first. */
  compressed(payload: Uint8Array): Uint8Array | undefined {
    const { compressFromBytes } = this.settings;
    if (payload.length < compressFromBytes || payload.length > this.#world.chunkBytes) return;
    return compress(payload, compressFromBytes);
  }

  /** The same for a payload that was compressed already, or shall not be. */
  postAsIs(
    type: MessageType,
    flags: number,
    subject: number,
    requestId: number,
    deadlineMs: number,
    trace: TraceContext | undefined,
    payload: Uint8Array,
  ): Position {
    this.#messages += 1;
    if (payload.length > this.#world.chunkBytes) {
      return this.#postLarge(type, flags, subject, requestId, deadlineMs, trace, payload);
    }
    this.#writer.append(type, flags, subject, requestId, deadlineMs, trace, payload);
    this.#arm();
    return this.#writer.last;
  }

  /**
   * The same for a value that is not encoded yet: written in place where it fits.
   *
   * @throws {ERR_NOT_ENCODABLE} @throws {ERR_MESSAGE_TOO_LARGE} and nothing was appended
   */
  postValue(
    type: MessageType,
    flags: number,
    subject: number,
    requestId: number,
    deadlineMs: number,
    trace: TraceContext | undefined,
    value: unknown,
  ): Position {
    const { codec } = this.#world;
    const writer = this.#writer;
    if (this.settings.compressFromBytes !== Number.POSITIVE_INFINITY) {
      const payload = codec.encode(value);
      return this.post(type, flags, subject, requestId, deadlineMs, trace, payload);
    }
    if (value instanceof Uint8Array && value.length > this.#world.chunkBytes) {
      return this.#postBytes(type, flags, subject, requestId, deadlineMs, trace, value);
    }
    this.#messages += 1;
    let inPlace = false;
    try {
      inPlace = writer.appendValue(
        type,
        flags,
        subject,
        requestId,
        deadlineMs,
        trace,
        codec,
        value,
      );
      if (inPlace) {
        this.#arm();
        return writer.last;
      }
      const payload = codec.encode(value);
      this.#messages -= 1;
      inPlace = true;
      return this.post(type, flags, subject, requestId, deadlineMs, trace, payload);
    } finally {
      if (!inPlace) this.#messages -= 1;
    }
  }

  /** Appends one control message: it overtakes what waits, and is lost with its connection. */
  postControl(type: MessageType, requestId: number, payload: Uint8Array): void {
    if (this.#connection === undefined) return;
    this.#controls ??= new BatchWriter(
      this.#world.batchBytes,
      (frame) => this.#write(frame),
      FrameKind.control,
    );
    this.#controls.append(type, 0, 0, requestId, 0, undefined, payload);
    this.#arm();
  }

  /** Calls `waiter.ready` when there is room, in the order of the calls. */
  whenRoom(waiter: Waiter): void {
    this.#waiters.add(waiter);
    this.#serveWaiters();
  }

  /** Drops the oldest unsent messages that may be; answers how many, undefined: there are none. */
  dropOldest(): number | undefined {
    this.#writer.seal();
    let messages: number | undefined;
    const isDroppable = (frame: Uint8Array) => {
      messages = droppableMessages(frame);
      return messages !== undefined;
    };
    return this.#send.dropOldest(isDroppable) === undefined ? undefined : messages;
  }

  /** Resolves when everything accepted has been written, or was dropped. */
  flushed(): Promise<void> {
    if (!this.hasUnsent) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.whenEmpty(resolve));
  }

  /** Adds what is asked for pieces in turn, while nothing else waits. */
  addSource(source: BulkSource): void {
    this.wake(source);
  }

  /** A source has something to send again. */
  wake(source: BulkSource): void {
    if (!this.#sources.includes(source)) this.#sources.push(source);
    this.#arm();
  }

  removeSource(source: BulkSource): void {
    this.#sources = this.#sources.filter((other) => other !== source);
  }

  /** Uses a connection from now on; what waited is written to it once the peer has resumed. */
  attach(connection: Connection): void {
    this.#connection = connection;
    this.opening = false;
    this.#draining = false;
    this.counters.connections += 1;
    this.#send.attach();
    connection.onFrame((frame) => {
      if (this.#connection === connection) this.#world.owner.receive(this, frame);
    });
    void connection.closed.then((end) => {
      if (this.#connection === connection) this.#onBroken(end);
    });
    if (!this.#isFree) {
      const { session, frames } = this.#receive;
      const payload = resumeBytes(session, frames, this.#receive.attach(), this.retains);
      this.postControl(MessageType.resume, 0, payload);
    }
    this.#pings.measure();
    this.flush();
  }

  /** A frame is about to be handled. */
  beginFrame(now: number): void {
    if (this.#turns.begins(now)) this.#arm();
  }

  /** A frame was handled, in a turn that others want a part of. */
  endFrame(frameBytes: number, now: number): void {
    this.#turns.handled(frameBytes, now, this.#connection);
  }

  /** A payload was none; false: there were far too many of them. */
  undecodable(): boolean {
    return this.#turns.undecodable();
  }

  /** A data frame came: false when the peer sends far more than it may. */
  receivedFrame(frameBytes: number): boolean {
    this.counters.bytesIn += frameBytes;
    return this.#receive.received(frameBytes) || this.#isFree;
  }

  /** Bytes of this link that a handler has not consumed yet. Answers how to say that it has. */
  hold(bytes: number): () => void {
    this.#receive.hold(bytes);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#receive.release(bytes);
    };
  }

  /** Something was consumed: tells the peer what it may send now, if that is worth a message. */
  consumed(): void {
    if (this.#isFree || this.#connection === undefined) return;
    if (this.#receive.grant() !== undefined) this.#tellWindow();
    else if (this.#peerWantsCounts && !this.#countArmed && this.#receive.owesCount) {
      this.#countArmed = true;
      this.#world.clock.setTimer(FLOW.ackDelayMs, () => {
        this.#countArmed = false;
        if (this.#receive.owesCount && this.#connection !== undefined) this.#tellWindow();
      });
    }
  }

  /** `frameBytes` were read and their handlers have returned. */
  frameConsumed(frameBytes: number): void {
    if (this.#isFree) return;
    if (this.#isGrowing && this.counters.bytesIn > this.#receive.windowBytes)
      this.#tune(frameBytes);
    this.consumed();
  }

  onControl(reader: FrameReader): void {
    const payload = reader.payload();
    switch (reader.type) {
      case MessageType.resume: {
        const resume = readResume(payload);
        if (resume === undefined) return this.#world.metrics.dropped("not-decodable");
        this.#peerWantsCounts = resume.wantsCounts;
        // What stood behind it may be lost, and is never sent again.
        if (!resume.wantsCounts) this.fence = undefined;
        // Who keeps nothing does not finish what it had begun.
        if (!resume.wantsCounts) this.#clearAssembly();
        return this.#resume(resume.session, resume.frames, resume.windowBytes);
      }
      case MessageType.window: {
        const window = readWindow(payload);
        if (window === undefined) return this.#world.metrics.dropped("not-decodable");
        this.#send.window(window.frames, window.creditBytes);
        return this.#pump();
      }
      case MessageType.ping:
        // Who does not read its pongs gets no more of them.
        if ((this.#connection?.bufferedBytes ?? 0) > FLOW.socketBytesMax) return;
        if (payload.length > FLOW.pingBytesMax) return;
        if (!this.#turns.ping(this.#world.clock.now())) return this.#flooded();
        return this.postControl(MessageType.pong, reader.requestId, payload);
      case MessageType.pong:
        return this.#pings.onPong(reader.requestId);
    }
  }

  /**
   * Asks for a sign of life; answers false when none comes in time or the connection ends first.
   */
  ping(timeoutMs: number, answer: (alive: boolean) => void, payload: Uint8Array = EMPTY): void {
    if (!this.isUp) return answer(false);
    this.#pings.ask(timeoutMs, answer, payload);
  }

  /**
   * Ends the connection, after what may be written has been; the link stays and can be attached
   * again.
   */
  disconnect(end: ConnectionEnd): void {
    this.flush();
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.close(end);
    this.#onBroken(end);
  }

  /**
   * Drops what was not written, and tells whoever waits. A lane that retains keeps its messages:
   * only requests and waiting sends end.
   */
  dropUnsent(): void {
    this.#writer.seal();
    this.#world.owner.dropping(this);
    if (!this.retains) this.#drop();
    this.#waiters.fail();
    if (!this.hasUnsent) this.#waiters.emptied();
  }

  /** Ends the link for good; answers when the other side has everything, or is known to be gone. */
  close(end: ConnectionEnd): Promise<unknown> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    const connection = this.#connection;
    // Newest values wait for their last moment, which is now: they are kept with the lane.
    while (this.retains && this.latest?.pull(this) === true);
    this.disconnect(end);
    if (this.retains) this.#world.owner.lost(this);
    this.dropUnsent();
    this.latest?.end();
    this.#tuner?.close();
    this.#report();
    return connection?.closed ?? Promise.resolve();
  }

  /** Measures the round trip, unless an answer is awaited already. */
  measure(): void {
    if (this.isUp) this.#pings.measure();
  }

  /** What the same start of the peer could go on with; undefined: nothing. */
  keep(): LinkFlows | undefined {
    // What this turn has gathered is accepted too, on a lane that was never up as on any other.
    if (this.retains) while (this.latest?.pull(this) === true);
    this.#writer.seal();
    const isUsed = this.#send.isWorthKeeping || this.#receive.frames > 0;
    if (!isUsed || this.#isFree) return undefined;
    return { send: this.#send, receive: this.#receive, assembly: this.assembly };
  }

  stats(): LinkStats {
    this.#bufferedBytes = this.#connection?.bufferedBytes ?? 0;
    return this.counters.stats(this, this.#send, this.#receive, this.#world.clock.now());
  }

  /** Writes what the turn has gathered; called when it ends. */
  flush(): void {
    this.#armed = false;
    this.#controls?.seal();
    this.#writer.seal();
    this.#pump();
    this.#turns.ended();
  }

  #arm(): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#world.flushes.add(this);
  }

  #postLarge(
    type: MessageType,
    flags: number,
    subject: number,
    requestId: number,
    deadlineMs: number,
    trace: TraceContext | undefined,
    payload: Uint8Array,
  ): Position {
    const head = new Uint8Array(headBytesOf(type, trace));
    writeHead(head, 0, type, flags, subject, requestId, deadlineMs, trace);
    writeU32(head, 2, head.length - MESSAGE_HEAD_BYTES + payload.length);
    const within: OpenFrame = { slab: head, start: 0 };
    this.#messages -= 1;
    this.#writer.skipFrame(within);
    const { compressFromBytes } = this.settings;
    const smaller = Number.isFinite(compressFromBytes)
      ? (raw: Uint8Array) => compress(raw, compressFromBytes)
      : undefined;
    this.#send.queue(ChunkedMessage.of(head, payload, this.#world.chunkBytes, smaller), 1);
    this.#arm();
    return this.#writer.last;
  }

  /** Large bytes are written once, straight into the memory of their chunks. */
  #postBytes(
    type: MessageType,
    flags: number,
    subject: number,
    requestId: number,
    deadlineMs: number,
    trace: TraceContext | undefined,
    value: Uint8Array,
  ): Position {
    const { codec, chunkBytes } = this.#world;
    const headBytes = headBytesOf(type, trace);
    const roomBytes = headBytes + value.length + BYTES_HEAD_ROOM;
    const gapBytes = gapBytesOf(roomBytes, chunkBytes);
    const memory = Buffer.allocUnsafeSlow(gapBytes + roomBytes);
    const end = codec.encodeInto(value, memory, gapBytes + headBytes);
    if (end < 0) {
      const payload = codec.encode(value);
      return this.post(type, flags, subject, requestId, deadlineMs, trace, payload);
    }
    writeHead(memory, gapBytes, type, flags, subject, requestId, deadlineMs, trace);
    writeU32(memory, gapBytes + 2, end - gapBytes - MESSAGE_HEAD_BYTES);
    const message = ChunkedMessage.within(memory, gapBytes, end - gapBytes, chunkBytes);
    this.#writer.skipFrame({ slab: message.head, start: 0 });
    this.#send.queue(message, 1);
    this.#arm();
    return this.#writer.last;
  }

  #isBelow(limitBytes: number): boolean {
    if (this.queuedBytes < limitBytes) return true;
    this.#bufferedBytes = this.#connection?.bufferedBytes ?? 0;
    return this.queuedBytes < limitBytes;
  }

  #onSealed(frame: Uint8Array): void {
    this.#send.queue(frame, this.#messages);
    this.#messages = 0;
    this.#pump();
    if (this.queuedBytes > LINK.stalledBytesMax && !this.#isBelow(LINK.stalledBytesMax)) {
      const detail = `the peer is ${this.queuedBytes} bytes behind`;
      this.disconnect({ reason: "timeout", detail });
      this.dropUnsent();
    }
  }

  /** Writes as much as credit and the connection's queue allow. */
  #pump(): void {
    const connection = this.#connection;
    if (this.#pumping) return;
    if (connection === undefined || this.#draining) return this.#report();
    this.#pumping = true;
    const send = this.#send;
    do {
      this.#writeTo(connection);
      this.#serveWaiters();
    } while (this.#connection === connection && send.hasWaiting && this.#mayWrite(connection));
    this.#pumping = false;
    if (this.#connection !== connection) return;
    if (this.#bufferedBytes >= FLOW.socketBytesMax) this.#awaitDrain(connection);
    this.counters.onBlocked(send.hasWaiting ? send.blocked : undefined, this.#world);
    this.#report();
    if (!this.hasUnsent) this.#waiters.emptied();
  }

  #mayWrite(connection: Connection): boolean {
    return this.#send.blocked === undefined && connection.bufferedBytes < FLOW.socketBytesMax;
  }

  #writeTo(connection: Connection): void {
    const send = this.#send;
    while (connection.bufferedBytes < FLOW.socketBytesMax) {
      const frame = send.next();
      if (frame !== undefined) {
        this.counters.messagesOut += send.messages;
        this.#world.metrics.messagesOut.add(send.messages);
        this.#write(frame);
      } else if (!this.#pull()) {
        break;
      }
    }
    this.#bufferedBytes = connection.bufferedBytes;
  }

  /** A source posts one piece; false: nobody has any, or it must wait. */
  #pull(): boolean {
    if (this.#send.blocked !== undefined) return false;
    for (let asked = this.#sources.length; asked > 0; asked -= 1) {
      const source = this.#sources.shift() as BulkSource;
      if (!source.pull(this)) continue;
      this.#sources.push(source);
      this.#writer.seal();
      return true;
    }
    return false;
  }

  #write(frame: Uint8Array): void {
    const { metrics } = this.#world;
    metrics.framesOut.add();
    metrics.bytesOut.add(frame.length);
    this.counters.bytesOut += frame.length;
    this.#connection?.send(frame);
  }

  #awaitDrain(connection: Connection): void {
    this.#draining = true;
    const stalled = this.#world.clock.setTimer(FLOW.stalledMsMax, () => {
      if (this.#connection !== connection) return;
      const detail = `the peer has taken nothing for ${FLOW.stalledMsMax} ms`;
      this.disconnect({ reason: "timeout", detail });
    });
    void connection.drained(FLOW.socketBytesLow).then(() => {
      stalled.cancel();
      if (this.#connection !== connection) return;
      this.#draining = false;
      this.#pump();
    });
  }

  #resume(session: number, frames: number, credit: number): void {
    const resentBefore = this.#send.resent;
    const lost = this.#send.resume(session, frames, credit);
    this.counters.resentFrames += this.#send.resent - resentBefore;
    if (lost > 0) {
      this.counters.lostFrames += lost;
      this.#world.metrics.dropped("session-lost", lost);
      this.#world.owner.lost(this);
    }
    this.#world.owner.resumed(this);
    this.#pump();
  }

  #flooded(): void {
    const detail = `more than ${FAIR.pingsPerSecondMax} pings in a second`;
    this.#world.metrics.floods.add();
    this.disconnect({ reason: "protocol", detail });
  }

  #clearAssembly(): void {
    this.peer.assemblyBytes -= this.assembly.sizeBytes;
    this.assembly.clear();
  }

  #tellWindow(): void {
    const { frames, creditBytes } = this.#receive.tell();
    this.postControl(MessageType.window, 0, windowBytes(frames, creditBytes));
  }

  #tune(frameBytes: number): void {
    const { clock, preset, budget } = this.#world;
    const initialBytes = this.settings.windowBytes;
    const now = clock.now();
    this.#tuner ??= new WindowTuner(
      {
        initialBytes,
        bytesMax: initialBytes * preset.windowGrowthMax,
        roundTripMsMin: FLOW.growRoundTripMsMin,
      },
      budget,
    );
    if (this.#tuner.consumed(frameBytes, now, this.peer.roundTripMs(now)))
      this.#receive.windowBytes = this.#tuner.windowBytes;
  }

  #onBroken(end: ConnectionEnd): void {
    this.#connection = undefined;
    this.#bufferedBytes = 0;
    this.#draining = false;
    const cutOff = this.#send.detach();
    if (cutOff > 0) this.#world.metrics.dropped("cut-off", cutOff);
    this.#pings.fail();
    this.#controls = undefined;
    if (!this.retains) this.#world.owner.lost(this);
    this.#world.owner.broken(this, end);
  }

  #drop(): void {
    const messages = this.#send.dropWaiting();
    if (messages > 0) this.#world.metrics.dropped("link-not-opened", messages);
    this.#report();
  }

  /** Serves the waiting sends in order, while there is room. */
  #serveWaiters(): void {
    if (this.#connection === undefined) return;
    while (!this.#waiters.isEmpty && this.#isBelow(LINK.highWaterBytes)) this.#waiters.serve();
  }

  #report(): void {
    this.#world.metrics.queued(this, this.#closed ? 0 : this.queuedBytes);
  }
}
