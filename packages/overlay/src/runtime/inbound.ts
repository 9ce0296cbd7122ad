/**
 * Inbound: what arrives on links, decoded and given to handlers.
 *
 * Handlers are called synchronously in order of arrival; what they do asynchronously holds up
 * nothing. Whatever a peer sends or a handler throws ends here: a malformed frame closes its
 * connection, a payload that cannot be decoded costs that one message, a failed handler answers its
 * one request.
 */
import { isFoundationError, type Clock, type Codec, type Logger } from "@foundation/core";
import { FAIR, FLOW } from "../limits.js";
import { overlayErrors } from "../errors.js";
import {
  Flag,
  FrameKind,
  FrameReader,
  MESSAGE_HEAD_BYTES,
  MessageType,
} from "../protocol/frame.js";
import { AckedCalls } from "./delivery/acked-calls.js";
import { expand } from "./delivery/compression.js";
import { Fences } from "./delivery/fences.js";
import { Handlers } from "./handlers.js";
import { InboundCall, isPromise, runHandler } from "./inbound-call.js";
import { InboundRequests } from "./inbound-requests.js";
import type { Link } from "./link.js";
import type { OverlayMetrics } from "./metrics.js";
import type { Peer } from "./peer.js";
import type { Streams } from "./streams/streams.js";
import type { World } from "./world.js";

/** What goes on to others. */
export interface InboundSink {
  reply(peer: Peer, requestId: number, payload: Uint8Array): void;
  failure(peer: Peer, requestId: number, payload: Uint8Array): void;
  /** The answer to a message of an acked channel. */
  acked(peer: Peer, reader: FrameReader): void;
  membership(link: Link, message: unknown): void;
  control(link: Link, message: unknown): void;
  /** A frame of a connection that leads over other nodes. */
  relay(link: Link, payload: Uint8Array): void;
  /** A broadcast on its way from neighbour to neighbour. */
  gossip(link: Link, payload: Uint8Array): void;
}

const FAILED = Symbol("not decodable");

export class Inbound {
  readonly handlers = new Handlers();
  /** Set by the composition before the first link is up. */
  sink!: InboundSink;
  /** The same. */
  streams!: Streams;

  readonly requests: InboundRequests;
  readonly fences: Fences;

  readonly #acked: AckedCalls;
  readonly #clock: Clock;
  readonly #codec: Codec;
  readonly #logger: Logger;
  readonly #metrics: OverlayMetrics;

  constructor(world: World) {
    this.#clock = world.clock;
    this.#codec = world.codec;
    this.#logger = world.logger;
    this.#metrics = world.metrics;
    this.requests = new InboundRequests(world, this.handlers);
    this.fences = new Fences(world.metrics);
    this.#acked = new AckedCalls(world, this.handlers);
  }

  /** Takes one frame of a link. */
  receive(link: Link, frame: Uint8Array): void {
    const { inflow } = link;
    const { reader } = inflow;
    const now = this.#clock.now();
    link.peer.lastHeardMs = now;
    const isData = frame[0] !== FrameKind.control;
    if (isData && !inflow.received(frame.length)) return this.#overdrawn(link);
    inflow.begins(now);
    const unknown = reader.unknown;
    let messages = 0;
    try {
      reader.begin(frame);
      while (reader.next()) {
        messages += 1;
        if (reader.type === MessageType.streamWindow) this.streams.onWindow(link, reader);
        else if (reader.kind === FrameKind.control) link.onControl(reader);
        else this.#dispatch(link, reader, now);
        if (link.isClosed) break;
      }
    } catch (error) {
      this.#frameFailed(link, error);
    } finally {
      reader.end();
    }
    this.#metrics.framesIn.add();
    this.#metrics.bytesIn.add(frame.length);
    this.#metrics.messagesIn.add(messages);
    if (isData) link.counters.messagesIn += messages;
    if (reader.unknown > unknown) this.#metrics.dropped("unknown-type", reader.unknown - unknown);
    if (isData) inflow.consumed(frame.length);
    inflow.ends(frame.length, this.#clock.now());
  }

  #dispatch(link: Link, reader: FrameReader, now: number): void {
    const { peer } = link;
    if (link.fence !== undefined && this.#waits(link, reader, now)) return;
    if ((reader.flags & Flag.compressed) !== 0) {
      const raw = expand(reader.payload(), FLOW.chunkBytes);
      if (raw === undefined) return this.#notDecodable(link, FAIR.bombWeight);
      reader.replacePayload(raw);
    }
    switch (reader.type) {
      case MessageType.message:
        return this.#onMessage(link, reader);
      case MessageType.request:
        if ((reader.flags & Flag.acked) !== 0) return this.#acked.onMessage(link, reader);
        return this.requests.onRequest(link, reader, now);
      case MessageType.fence:
        return this.fences.onMark(link, reader.requestId, reader.payload());
      case MessageType.reply:
        if ((reader.flags & Flag.acked) !== 0) return this.sink.acked(peer, reader);
        return this.sink.reply(peer, reader.requestId, reader.payload());
      case MessageType.failure:
        if ((reader.flags & Flag.acked) !== 0) return this.sink.acked(peer, reader);
        return this.sink.failure(peer, reader.requestId, reader.payload());
      case MessageType.cancel:
        if (this.streams.inbound.onCancel(peer, reader.requestId, reader.payload())) return;
        return this.requests.onCancel(peer, reader.requestId);
      case MessageType.stream:
        return this.streams.inbound.onOpen(link, reader);
      case MessageType.piece:
        return this.streams.inbound.onPiece(link, reader);
      case MessageType.end:
        return this.streams.inbound.onEnd(link, reader);
      case MessageType.chunk:
        return this.#onChunk(link, reader, now);
      case MessageType.relay:
        return this.sink.relay(link, reader.payload());
      case MessageType.gossip:
        return this.sink.gossip(link, reader.payload());
      case MessageType.membership:
      case MessageType.control:
        return this.#onInternal(link, reader);
    }
  }

  /** Stands behind a fence: kept as it came, and read when the other lanes have come so far. */
  #waits(link: Link, reader: FrameReader, now: number): boolean {
    const { type, deadlineMs } = reader;
    const isRequest = type === MessageType.request;
    if (!isRequest && type !== MessageType.message) return false;
    const isAcked = (reader.flags & Flag.acked) !== 0;
    const message = reader.copyMessage();
    return this.fences.holds(link, message.length, () => {
      const isLate = isRequest && !isAcked && this.#clock.now() > now + deadlineMs;
      if (isLate || link.isClosed) return;
      const own = new FrameReader();
      own.begin(message);
      if (own.next()) this.#dispatch(link, own, now);
    });
  }

  /** A part of a large message: the whole is read like any other once it is complete. */
  #onChunk(link: Link, reader: FrameReader, now: number): void {
    const { inflow, peer } = link;
    const { assembly } = inflow;
    const isFirst = (reader.flags & Flag.first) !== 0;
    const before = assembly.sizeBytes;
    // Mostly a view of the frame: the frame stays until the message is whole.
    const part = reader.payload();
    const whole = assembly.add(part, reader.requestId, isFirst, CHUNKED_BYTES_MAX);
    peer.assemblyBytes += assembly.sizeBytes - before;
    if (typeof whole === "string") throw malformed(whole);
    if (peer.assemblyBytes > FLOW.assemblyBytesMax)
      throw malformed("too many large messages at once");
    if (whole === undefined) {
      if (part.length < FLOW.chunkBytesMin) throw malformed(`a chunk of ${part.length} bytes`);
      return;
    }
    const wholeReader = (inflow.wholeReader ??= new FrameReader());
    wholeReader.ownsFrames = true;
    wholeReader.begin(whole);
    try {
      const isMessage = wholeReader.next() && wholeReader.type !== MessageType.chunk;
      if (isMessage) this.#dispatch(link, wholeReader, now);
      else this.#metrics.dropped("unknown-type");
    } finally {
      wholeReader.end();
    }
  }

  #onMessage(link: Link, reader: FrameReader): void {
    const entry = this.handlers.get(reader.subject);
    if (entry === undefined) return this.#metrics.dropped("no-handler");
    // With its head: messages without content take credit too while their handlers are busy.
    const bytes = MESSAGE_HEAD_BYTES + reader.payloadBytes;
    const payload = this.#decode(reader);
    if (payload === FAILED) return this.#notDecodable(link);
    const call = new InboundCall(link, entry.subject, payload, reader.trace());
    try {
      const result = runHandler(entry.handle, call);
      if (!isPromise(result)) return;
      // Until it has finished the message counts as not consumed: its sender is slowed down.
      const release = link.hold(bytes);
      result.then(release, (thrown: unknown) => {
        release();
        this.#handlerFailed(thrown);
      });
    } catch (thrown) {
      this.#handlerFailed(thrown);
    }
  }

  #onInternal(link: Link, reader: FrameReader): void {
    const message = this.#decode(reader);
    if (message === FAILED) return this.#notDecodable(link);
    if (reader.type === MessageType.membership) this.sink.membership(link, message);
    else this.sink.control(link, message);
  }

  #decode(reader: FrameReader): unknown {
    try {
      return reader.decode(this.#codec);
    } catch {
      return FAILED;
    }
  }

  /** It costs that one message; but who sends nothing else only wants to be a burden. */
  #notDecodable(link: Link, weight = 1): void {
    this.#metrics.dropped("not-decodable");
    if (link.inflow.undecodable(weight)) return;
    const detail = `more than ${FAIR.undecodableMax} payloads that cannot be decoded`;
    this.#metrics.floods.add();
    this.#logger.error("closed a link", { peer: link.peer.id, channel: link.channel, detail });
    link.disconnect({ reason: "protocol", detail });
  }

  /** Who sends far more than it may is broken, or means harm: memory is bounded by credit. */
  #overdrawn(link: Link): void {
    const detail = "the peer sent far more than its credit";
    this.#metrics.overdrafts.add();
    this.#logger.error("closed a link", { peer: link.peer.id, channel: link.channel, detail });
    link.disconnect({ reason: "protocol", detail });
  }

  /**
   * A malformed frame, or a bug of ours: the rest of the frame cannot be trusted, so the connection
   * ends.
   */
  #frameFailed(link: Link, error: unknown): void {
    const malformed = isFoundationError(error, "ERR_FRAME_MALFORMED");
    const detail = error instanceof Error ? error.message : String(error);
    const what = malformed
      ? "closed a link whose peer sent a malformed frame"
      : "closed a link because handling a frame failed: a bug, please report it";
    const stack = error instanceof Error && !malformed ? error.stack : undefined;
    this.#logger.error(what, { peer: link.peer.id, detail, stack });
    link.disconnect({ reason: "protocol", detail });
  }

  #handlerFailed(thrown: unknown): void {
    this.#metrics.handlerFailures.add();
    this.#logger.error("a message handler failed", {
      error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    });
  }
}

/** A message and its head. */
const CHUNKED_BYTES_MAX = FLOW.messageBytesMax + 64;

function malformed(reason: string): Error {
  return overlayErrors.ERR_FRAME_MALFORMED(
    `A peer sent a malformed frame: ${reason}. Its connection is closed; compare the versions.`,
    { reason, offset: 0 },
  );
}
