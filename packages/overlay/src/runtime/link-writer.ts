/**
 * LinkWriter: the lowest layer of a link: messages become frames.
 *
 * The messages of a turn are gathered into frames of a batch; a message larger than a chunk becomes
 * a frame of its own, cut when it is written. A finished frame goes to the lane's queue.
 *
 * LinkWriter, LinkOutflow and Link are layers of one object, not parts of it, because a message pays
 * for each call between objects: `post` stands where its callers find it.
 *
 * Invariants: messages leave in the order they were posted, whatever their size; what was refused
 * (a value that cannot be encoded) has left no trace.
 */
import type { TraceContext } from "@foundation/core";
import type { ChannelSettings } from "../channel-options.js";
import {
  BatchWriter,
  headBytesOf,
  writeHead,
  type OnSealed,
  type OpenFrame,
  type Position,
} from "../protocol/batch.js";
import { gapBytesOf } from "../protocol/flow/chunk-layout.js";
import { ChunkedMessage } from "../protocol/flow/chunked-message.js";
import type { SendFlow } from "../protocol/flow/send-flow.js";
import {
  Flag,
  FrameKind,
  MESSAGE_HEAD_BYTES,
  writeU32,
  type MessageType,
} from "../protocol/frame.js";
import { compress } from "./delivery/compression.js";
import type { LinkWorld } from "./link-world.js";

/** More than a codec puts before bytes. */
const BYTES_HEAD_ROOM = 64;

export abstract class LinkWriter {
  settings: ChannelSettings;

  protected readonly world: LinkWorld;
  /** What the lane has to send. */
  protected readonly outgoing: SendFlow;
  protected readonly batch: BatchWriter;

  constructor(settings: ChannelSettings, world: LinkWorld, outgoing: SendFlow) {
    this.settings = settings;
    this.world = world;
    this.outgoing = outgoing;
    const sealed: OnSealed = (frame, messages, slab) => {
      this.outgoing.queue(frame, messages, slab);
      this.sealed();
    };
    this.batch = new BatchWriter(world.batchBytes, sealed, FrameKind.data, world.slabs);
    this.batch.frames = outgoing.nextNumber;
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
    if (payload.length < compressFromBytes || payload.length > this.world.chunkBytes) return;
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
    if (payload.length > this.world.chunkBytes) {
      return this.#postLarge(type, flags, subject, requestId, deadlineMs, trace, payload);
    }
    this.batch.append(type, flags, subject, requestId, deadlineMs, trace, payload);
    this.arm();
    return this.batch.last;
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
    const { codec } = this.world;
    if (this.settings.compressFromBytes !== Number.POSITIVE_INFINITY) {
      const payload = codec.encode(value);
      return this.post(type, flags, subject, requestId, deadlineMs, trace, payload);
    }
    if (value instanceof Uint8Array) {
      const large = this.layOut(type, flags, subject, requestId, deadlineMs, trace, value);
      if (large !== undefined) return this.postLaidOut(large);
    }
    const inPlace = this.batch.appendValue(
      type,
      flags,
      subject,
      requestId,
      deadlineMs,
      trace,
      codec,
      value,
    );
    if (!inPlace) {
      const payload = codec.encode(value);
      return this.post(type, flags, subject, requestId, deadlineMs, trace, payload);
    }
    this.arm();
    return this.batch.last;
  }

  /**
   * Large bytes, written once, straight into the memory of their chunks; undefined: the value is
   * something else. Posted now or later, by `postLaidOut`.
   */
  layOut(
    type: MessageType,
    flags: number,
    subject: number,
    requestId: number,
    deadlineMs: number,
    trace: TraceContext | undefined,
    value: unknown,
  ): ChunkedMessage | undefined {
    const { codec, chunkBytes } = this.world;
    if (!(value instanceof Uint8Array) || value.length <= chunkBytes) return undefined;
    if (this.settings.compressFromBytes !== Number.POSITIVE_INFINITY) return undefined;
    const headBytes = headBytesOf(type, trace);
    const roomBytes = headBytes + value.length + BYTES_HEAD_ROOM;
    const gapBytes = gapBytesOf(roomBytes, chunkBytes);
    const memory = this.world.memory.take(gapBytes + roomBytes);
    const end = codec.encodeInto(value, memory, gapBytes + headBytes);
    if (end < 0) return undefined;
    writeHead(memory, gapBytes, type, flags, subject, requestId, deadlineMs, trace);
    writeU32(memory, gapBytes + 2, end - gapBytes - MESSAGE_HEAD_BYTES);
    return ChunkedMessage.within(memory, gapBytes, end - gapBytes, chunkBytes);
  }

  postLaidOut(message: ChunkedMessage): Position {
    this.batch.skipFrame({ slab: message.head, start: 0 });
    this.outgoing.queue(message, 1);
    this.arm();
    return this.batch.last;
  }

  /** Something was appended: it is to leave when the turn ends. */
  abstract arm(): void;

  /** A batch is full, or was finished: its frame is queued. */
  protected abstract sealed(): void;

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
    this.batch.skipFrame(within);
    const { compressFromBytes } = this.settings;
    const smaller = Number.isFinite(compressFromBytes)
      ? (raw: Uint8Array) => compress(raw, compressFromBytes)
      : undefined;
    this.outgoing.queue(ChunkedMessage.of(head, payload, this.world.chunkBytes, smaller), 1);
    this.arm();
    return this.batch.last;
  }
}
