/**
 * InboundStreams: the streams that peers have opened, from their opening to their answer.
 *
 * The handler's value or error is the answer, over the very link the stream came by. Pieces are
 * consumed for their lane when they arrive, so that a stream nobody reads holds up no message: its
 * own window bounds it. Only when all streams of a node hold too much do pieces use up their lane's
 * window too.
 *
 * Invariants: at most one answer for a stream; FLOW.streamsMax streams of one peer.
 */
import {
  coreErrors,
  fromWireError,
  runWithTrace,
  type Clock,
  type Codec,
  type StreamHandler,
} from "@foundation/core";
import { FLOW } from "../../limits.js";
import { readU48, type FrameReader } from "../../protocol/frame.js";
import type { Preset } from "../../presets.js";
import {
  WindowTuner,
  type WindowBudget,
  type WindowTunerOptions,
} from "../../protocol/streams/window-tuner.js";
import { Handlers } from "../handlers.js";
import { isPromise } from "../inbound-call.js";
import { noHandler } from "../messenger-errors.js";
import type { OverlayMetrics } from "../metrics.js";
import { streamBroken, streamMalformed, tooManyStreams } from "./stream-errors.js";
import type { StreamAnswers, StreamLink, StreamPeer } from "./stream-link.js";
import { StreamReceiver, type HeldBytes } from "./stream-receiver.js";

const NO_STREAMS: ReadonlyMap<number, StreamReceiver> = new Map();

export interface InboundStreamsWorld {
  readonly clock: Clock;
  readonly codec: Codec;
  readonly metrics: OverlayMetrics;
  readonly budget: WindowBudget;
  readonly preset: Pick<Preset, "windowGrowthMax">;
  readonly self: { readonly id: string };
}

export class InboundStreams implements HeldBytes {
  readonly handlers = new Handlers<StreamHandler>();
  readonly #world: InboundStreamsWorld;
  readonly #answers: StreamAnswers;
  readonly #tuning: WindowTunerOptions;
  readonly #byPeer = new Map<StreamPeer, Map<number, StreamReceiver>>();
  #heldBytes = 0;

  constructor(world: InboundStreamsWorld, answers: StreamAnswers) {
    this.#world = world;
    this.#answers = answers;
    this.#tuning = {
      initialBytes: FLOW.streamWindowBytes,
      bytesMax: FLOW.streamWindowBytes * world.preset.windowGrowthMax,
      roundTripMsMin: FLOW.growRoundTripMsMin,
    };
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get isOverLimit(): boolean {
    return this.#heldBytes > FLOW.streamsHeldBytesMax;
  }

  add(bytes: number): void {
    this.#heldBytes += bytes;
    this.#world.metrics.streamsHeldBytes.set(this.#heldBytes);
  }

  /** A stream of the peer is open. */
  isOpen(peer: StreamPeer): boolean {
    return this.#byPeer.has(peer);
  }

  /** A stream was opened; `reader` stands at that. */
  onOpen(link: StreamLink, reader: FrameReader): void {
    const { peer } = link;
    const { requestId } = reader;
    const fail = (error: Error) => this.#answers.fail(link, requestId, error);
    const entry = this.handlers.get(reader.subject);
    if (entry === undefined)
      return fail(noHandler(reader.subject, this.#world.self.id, "streams of "));
    const open = this.#byPeer.get(peer) ?? NO_STREAMS;
    if (open.size >= FLOW.streamsMax)
      return fail(tooManyStreams("inbound streams", this.#world.self.id));
    if (open.has(requestId)) throw streamMalformed(`stream ${requestId} was opened twice`);
    let metadata: unknown;
    try {
      metadata = this.#world.codec.decode(reader.payload());
    } catch {
      return fail(notDecodable());
    }
    const { clock, budget } = this.#world;
    const opening = {
      link,
      requestId,
      subject: entry.subject,
      metadata,
      trace: reader.trace(),
    };
    const stream = new StreamReceiver(opening, new WindowTuner(this.#tuning, budget), clock, this);
    this.#of(peer).set(requestId, stream);
    this.#run(entry.handle, stream);
  }

  /** A piece came; `reader` stands at it. @throws {ERR_FRAME_MALFORMED} */
  onPiece(link: StreamLink, reader: FrameReader): void {
    const stream = this.#find(link, reader.requestId);
    if (stream === undefined) return this.#late(link, reader.requestId);
    if (stream.onPiece(reader.payload())) return;
    this.#world.metrics.overdrafts.add();
    throw streamMalformed(`stream ${reader.requestId} got more bytes than were granted`);
  }

  /** @throws {ERR_FRAME_MALFORMED} */
  onEnd(link: StreamLink, reader: FrameReader): void {
    const stream = this.#find(link, reader.requestId);
    if (stream === undefined) return this.#late(link, reader.requestId);
    const payload = reader.payload();
    if (payload.length < 6) throw streamMalformed("the end of a stream without its length");
    stream.onEnd(readU48(payload, 0));
  }

  /** The opener has given up; false: the id is not that of a stream. */
  onCancel(peer: StreamPeer, requestId: number, payload: Uint8Array): boolean {
    const stream = this.#byPeer.get(peer)?.get(requestId);
    if (stream === undefined) return false;
    this.#drop(stream, this.#reasonOf(stream, payload));
    return true;
  }

  /** What was under way on a link will not come. */
  onLost(link: StreamLink): void {
    for (const stream of [...(this.#byPeer.get(link.peer) ?? NO_STREAMS).values()]) {
      if (stream.link !== link) continue;
      // An opener that has not lost us waits: a lane that retains still tells it.
      if (link.retains) this.#answers.fail(link, stream.requestId, this.#lost(stream));
      this.#drop(stream, this.#lost(stream));
    }
  }

  /** A link goes on over a new connection: what was granted over the old one may be lost. */
  onResumed(link: StreamLink): void {
    for (const stream of (this.#byPeer.get(link.peer) ?? NO_STREAMS).values()) {
      if (stream.link === link) stream.tellAgain();
    }
  }

  /** Ends every stream. */
  close(): void {
    for (const streams of [...this.#byPeer.values()]) {
      for (const stream of [...streams.values()]) this.#drop(stream, this.#closed(stream));
    }
  }

  #run(handle: StreamHandler, stream: StreamReceiver): void {
    const { link, requestId, trace } = stream;
    const reply = (value: unknown) => {
      if (this.#settle(stream)) this.#answers.reply(link, requestId, value);
    };
    const fail = (thrown: unknown) => {
      if (this.#settle(stream)) this.#answers.fail(link, requestId, thrown);
    };
    try {
      const result =
        trace === undefined ? handle(stream) : runWithTrace(trace, () => handle(stream));
      if (isPromise(result)) result.then(reply, fail);
      else reply(result);
    } catch (thrown) {
      fail(thrown);
    }
  }

  /** The handler has finished; false when nobody waits for its result. */
  #settle(stream: StreamReceiver): boolean {
    this.#forget(stream);
    stream.close();
    return !stream.isDropped;
  }

  /** Nobody waits for its result; its handler may go on, and counts no more. */
  #drop(stream: StreamReceiver, error: Error): void {
    stream.isDropped = true;
    this.#forget(stream);
    stream.breakWith(error);
  }

  #forget(stream: StreamReceiver): void {
    const streams = this.#byPeer.get(stream.link.peer);
    if (streams?.get(stream.requestId) !== stream) return;
    streams.delete(stream.requestId);
    if (streams.size === 0) this.#byPeer.delete(stream.link.peer);
  }

  /**
   * A piece of a stream that is over: its opener will know by the answer. On a lane that retains it
   * may have outlived what this side knew, so it is told.
   */
  #late(link: StreamLink, requestId: number): void {
    this.#world.metrics.dropped("late-piece");
    if (!link.retains) return;
    const error = streamBroken(
      `#${requestId}`,
      link.peer.id,
      "connection-lost",
      "the receiver does not know it any more",
    );
    this.#answers.fail(link, requestId, error);
  }

  #find(link: StreamLink, requestId: number): StreamReceiver | undefined {
    const stream = this.#byPeer.get(link.peer)?.get(requestId);
    return stream?.link === link ? stream : undefined;
  }

  #of(peer: StreamPeer): Map<number, StreamReceiver> {
    let streams = this.#byPeer.get(peer);
    if (streams === undefined) {
      streams = new Map();
      this.#byPeer.set(peer, streams);
    }
    return streams;
  }

  #reasonOf(stream: StreamReceiver, payload: Uint8Array): Error {
    const { subject, from } = stream;
    if (payload.length > 0) {
      try {
        return fromWireError(this.#world.codec.decode(payload));
      } catch {
        // Then it is known only that it was given up.
      }
    }
    return streamBroken(subject, from, "aborted", "its sender has given it up");
  }

  #lost({ subject, from }: StreamReceiver): Error {
    return streamBroken(subject, from, "connection-lost", "the connection to its sender was lost");
  }

  #closed({ subject, from }: StreamReceiver): Error {
    return streamBroken(subject, from, "connection-lost", "this node has closed its overlay");
  }
}

function notDecodable(): Error {
  const reason = "the metadata is not one well-formed value within the limits";
  return coreErrors.ERR_NOT_DECODABLE(`The stream could not be opened: ${reason}`, { reason });
}
