/**
 * Inbound: what arrives on links, decoded and given to handlers.
 *
 * Handlers are called synchronously in order of arrival; what they do asynchronously holds up
 * nothing. Whatever a peer sends or a handler throws ends here: a malformed frame closes its
 * connection, a payload that cannot be decoded costs that one message, a failed handler answers its
 * one request.
 */
import {
  coreErrors,
  isFoundationError,
  runWithTrace,
  toWireError,
  type Clock,
  type Codec,
  type Logger,
  type MessageHandler,
} from "@foundation/core";
import { RPC } from "../limits.js";
import { Flag, MessageType } from "../protocol/frame.js";
import { DeadlineTimer } from "./deadline-timer.js";
import { Handlers, type SubjectHandler } from "./handlers.js";
import { InboundCall } from "./inbound-call.js";
import type { Link } from "./link.js";
import type { OverlayMetrics } from "./metrics.js";
import type { Peer } from "./peer.js";
import { encodePayload } from "./payload.js";
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

  readonly #clock: Clock;
  readonly #codec: Codec;
  readonly #logger: Logger;
  readonly #metrics: OverlayMetrics;
  readonly #selfId: string;
  /** Calls whose signal somebody watches. */
  readonly #watched = new Set<InboundCall>();
  readonly #deadlines: DeadlineTimer;
  readonly #onSignalRead = (call: InboundCall) => {
    if (call.deadline === undefined) return;
    this.#watched.add(call);
    this.#deadlines.arm(call.deadline, this.#clock.now());
  };
  readonly #onHandlerFailure = (thrown: unknown) => this.#handlerFailed(thrown);

  constructor(world: World) {
    this.#clock = world.clock;
    this.#codec = world.codec;
    this.#logger = world.logger;
    this.#metrics = world.metrics;
    this.#selfId = world.self.id;
    this.#deadlines = new DeadlineTimer(world.clock, (now) => this.#expire(now));
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
    }
    this.#metrics.framesIn.add();
    this.#metrics.bytesIn.add(frame.length);
    this.#metrics.messagesIn.add(messages);
    if (reader.unknown > unknown) this.#metrics.dropped("unknown-type", reader.unknown - unknown);
  }

  /** The connection of a link is gone: nobody waits for what it asked. */
  dropCalls(link: Link): void {
    if (link.peer.calls.size === 0) return;
    const gone = coreErrors.ERR_ABORTED("The caller's connection is gone", {
      target: this.#selfId,
    });
    for (const [id, call] of link.peer.calls) {
      if (call.link !== link) continue;
      link.peer.calls.delete(id);
      this.#watched.delete(call);
      call.drop(gone);
    }
  }

  close(): void {
    this.#deadlines.close();
    this.#watched.clear();
  }

  #dispatch(link: Link, now: number): void {
    const { reader, peer } = link;
    switch (reader.type) {
      case MessageType.message:
        return this.#onMessage(link);
      case MessageType.request:
        return this.#onRequest(link, now);
      case MessageType.reply:
        return this.sink.reply(peer, reader.requestId, reader.payload());
      case MessageType.failure:
        return this.sink.failure(peer, reader.requestId, reader.payload());
      case MessageType.cancel:
        return this.#onCancel(peer, reader.requestId);
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
      this.#onSignalRead,
    );
    try {
      const result = run(entry.handle, call);
      if (isPromise(result)) result.then(undefined, this.#onHandlerFailure);
    } catch (thrown) {
      this.#handlerFailed(thrown);
    }
  }

  #onRequest(link: Link, now: number): void {
    const { reader, peer } = link;
    const { requestId } = reader;
    const entry = this.handlers.get(reader.subject);
    if (entry === undefined)
      return this.#fail(link, requestId, unknownSubject(reader.subject, this.#selfId));
    if (peer.calls.size >= RPC.inboundMax)
      return this.#fail(link, requestId, tooManyCalls(this.#selfId));
    const payload = this.#decode(reader.payload());
    if (payload === FAILED) return this.#fail(link, requestId, notDecodable());
    const call = new InboundCall(
      link,
      peer.id,
      peer.boot,
      link.channel,
      entry.subject,
      payload,
      "request",
      requestId,
      now + reader.deadlineMs,
      reader.trace(),
      this.#onSignalRead,
    );
    this.#answer(entry, call);
  }

  #answer(entry: SubjectHandler, call: InboundCall): void {
    const { link, requestId } = call;
    try {
      const result = run(entry.handle, call);
      if (!isPromise(result)) return this.#reply(link, requestId, result);
      link.peer.calls.set(requestId, call);
      result.then(
        (value) => {
          if (this.#settle(call)) this.#reply(link, requestId, value);
        },
        (thrown: unknown) => {
          if (this.#settle(call)) this.#fail(link, requestId, thrown);
        },
      );
    } catch (thrown) {
      this.#fail(link, requestId, thrown);
    }
  }

  /** The handler has finished; false when nobody waits for its reply any more. */
  #settle(call: InboundCall): boolean {
    const { peer } = call.link;
    if (peer.calls.get(call.requestId) === call) peer.calls.delete(call.requestId);
    this.#watched.delete(call);
    return !call.dropped;
  }

  #reply(link: Link, requestId: number, value: unknown): void {
    let bytes: Uint8Array;
    try {
      bytes = encodePayload(this.#codec, value);
    } catch (error) {
      return this.#fail(link, requestId, error);
    }
    link.post(MessageType.reply, 0, 0, requestId, 0, undefined, bytes);
  }

  #fail(link: Link, requestId: number, thrown: unknown): void {
    const wire = toWireError(thrown);
    let bytes: Uint8Array;
    try {
      bytes = encodePayload(this.#codec, wire);
    } catch {
      // Details that are not plain data stay here; code and message go.
      bytes = encodePayload(this.#codec, {
        ...wire,
        message: wire.message.slice(0, 1_024),
        details: {},
      });
    }
    link.post(MessageType.failure, 0, 0, requestId, 0, undefined, bytes);
  }

  #onCancel(peer: Peer, requestId: number): void {
    const call = peer.calls.get(requestId);
    if (call === undefined) return;
    peer.calls.delete(requestId);
    this.#watched.delete(call);
    call.drop(
      coreErrors.ERR_ABORTED("The caller has cancelled the request", { target: this.#selfId }),
    );
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

  #expire(now: number): number | undefined {
    let next: number | undefined;
    for (const call of this.#watched) {
      const deadline = call.deadline ?? 0;
      if (deadline > now) {
        if (next === undefined || deadline < next) next = deadline;
        continue;
      }
      this.#watched.delete(call);
      call.drop(
        coreErrors.ERR_TIMEOUT("The request's deadline has passed", {
          timeoutMs: 0,
          target: this.#selfId,
        }),
      );
    }
    return next;
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

function run(handle: MessageHandler, call: InboundCall): unknown {
  return call.trace === undefined ? handle(call) : runWithTrace(call.trace, () => handle(call));
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

function unknownSubject(hash: number, node: string): Error {
  const subject = `#${hash.toString(16)}`;
  return coreErrors.ERR_UNKNOWN_SUBJECT(`No handler for subject ${subject}`, { subject, node });
}

function tooManyCalls(node: string): Error {
  return coreErrors.ERR_QUEUE_FULL(
    `Node ${node} is already handling ${RPC.inboundMax} requests of this caller: send more slowly`,
    { queue: "inbound requests", limit: RPC.inboundMax, unit: "messages" },
  );
}

function notDecodable(): Error {
  const reason = "the payload is not one well-formed value within the limits";
  return coreErrors.ERR_NOT_DECODABLE(`The request could not be decoded: ${reason}`, { reason });
}
