/**
 * Inbound: what arrives on links, decoded and given to handlers.
 *
 * Handlers are called synchronously in order of arrival; what they do asynchronously holds up
 * nothing. Whatever a peer sends or a handler throws ends here: a malformed frame closes its
 * connection, a payload that cannot be decoded costs that one message, a failed handler answers its
 * one request.
 */
import { isFoundationError, type Clock, type Codec, type Logger } from "@foundation/core";
import { Flag, MessageType } from "../protocol/frame.js";
import { Handlers } from "./handlers.js";
import { InboundCall, isPromise, runHandler } from "./inbound-call.js";
import { InboundRequests } from "./inbound-requests.js";
import type { Link } from "./link.js";
import type { OverlayMetrics } from "./metrics.js";
import type { Peer } from "./peer.js";
import type { World } from "./world.js";

/** What goes on to others. */
export interface InboundSink {
  reply(peer: Peer, requestId: number, payload: Uint8Array): void;
  failure(peer: Peer, requestId: number, payload: Uint8Array): void;
  membership(link: Link, message: unknown): void;
  control(link: Link, message: unknown): void;
}

const EMPTY = new Uint8Array(0);
const FAILED = Symbol("not decodable");

export class Inbound {
  readonly handlers = new Handlers();
  readonly broadcastHandlers = new Handlers();
  /** Set by the composition before the first link is up. */
  sink!: InboundSink;

  readonly requests: InboundRequests;

  readonly #clock: Clock;
  readonly #codec: Codec;
  readonly #logger: Logger;
  readonly #metrics: OverlayMetrics;
  readonly #onHandlerFailure = (thrown: unknown) => this.#handlerFailed(thrown);

  constructor(world: World) {
    this.#clock = world.clock;
    this.#codec = world.codec;
    this.#logger = world.logger;
    this.#metrics = world.metrics;
    this.requests = new InboundRequests(world, this.handlers);
  }

  /** Takes one frame of a link. */
  receive(link: Link, frame: Uint8Array): void {
    const { reader, peer } = link;
    const now = this.#clock.now();
    peer.lastHeardMs = now;
    const unknown = reader.unknown;
    let messages = 0;
    try {
      reader.begin(frame);
      while (reader.next()) {
        messages += 1;
        this.#dispatch(link, now);
        if (!link.isUp) break;
      }
    } catch (error) {
      this.#frameFailed(link, error);
    } finally {
      reader.end();
    }
    this.#metrics.framesIn.add();
    this.#metrics.bytesIn.add(frame.length);
    this.#metrics.messagesIn.add(messages);
    if (reader.unknown > unknown) this.#metrics.dropped("unknown-type", reader.unknown - unknown);
  }

  #dispatch(link: Link, now: number): void {
    const { reader, peer } = link;
    switch (reader.type) {
      case MessageType.message:
        return this.#onMessage(link);
      case MessageType.request:
        return this.requests.onRequest(link, now);
      case MessageType.reply:
        return this.sink.reply(peer, reader.requestId, reader.payload());
      case MessageType.failure:
        return this.sink.failure(peer, reader.requestId, reader.payload());
      case MessageType.cancel:
        return this.requests.onCancel(peer, reader.requestId);
      case MessageType.ping:
        link.post(MessageType.pong, 0, 0, reader.requestId, 0, undefined, EMPTY);
        return;
      case MessageType.pong:
        return link.onPong(reader.requestId);
      case MessageType.membership:
      case MessageType.control:
        return this.#onInternal(link, reader.type);
    }
  }

  #onMessage(link: Link): void {
    const { reader, peer } = link;
    const table = (reader.flags & Flag.broadcast) === 0 ? this.handlers : this.broadcastHandlers;
    const entry = table.get(reader.subject);
    if (entry === undefined) return this.#metrics.dropped("no-handler");
    const payload = this.#decode(reader.payload());
    if (payload === FAILED) return this.#metrics.dropped("not-decodable");
    const trace = reader.trace();
    const call = new InboundCall(
      link,
      peer.id,
      peer.boot,
      link.channel,
      entry.subject,
      payload,
      "message",
      0,
      undefined,
      trace,
      undefined,
    );
    try {
      const result = runHandler(entry.handle, call);
      if (isPromise(result)) result.then(undefined, this.#onHandlerFailure);
    } catch (thrown) {
      this.#handlerFailed(thrown);
    }
  }

  #onInternal(link: Link, type: MessageType): void {
    const message = this.#decode(link.reader.payload());
    if (message === FAILED) return this.#metrics.dropped("not-decodable");
    if (type === MessageType.membership) this.sink.membership(link, message);
    else this.sink.control(link, message);
  }

  #decode(payload: Uint8Array): unknown {
    try {
      return this.#codec.decode(payload);
    } catch {
      return FAILED;
    }
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
