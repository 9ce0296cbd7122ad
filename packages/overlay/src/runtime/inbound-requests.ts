/**
 * InboundRequests: the requests of peers, from their arrival to their answer.
 *
 * A handler's value or error is the answer; who cancelled, or whose connection is gone, gets none,
 * and the handler's signal says so.
 *
 * Invariant: at most one answer for a request, over the very connection it came by.
 */
import { coreErrors, type Clock, type Codec } from "@foundation/core";
import { overlayErrors } from "../errors.js";
import { RPC } from "../limits.js";
import { MessageType, type FrameReader } from "../protocol/frame.js";
import { DeadlineTimer } from "./deadline-timer.js";
import type { Handlers, SubjectHandler } from "./handlers.js";
import { InboundCall, isPromise, runHandler } from "./inbound-call.js";
import type { Link } from "./link.js";
import { encodeError, noHandler } from "./messenger-errors.js";
import type { Peer } from "./peer.js";
import type { World } from "./world.js";

export class InboundRequests {
  readonly #handlers: Handlers;
  readonly #clock: Clock;
  readonly #codec: Codec;
  readonly #selfId: string;
  /** Calls whose signal somebody watches. */
  readonly #watched = new Set<InboundCall>();
  readonly #deadlines: DeadlineTimer;
  readonly #onSignalRead = (call: InboundCall) => {
    if (call.deadline === undefined) return;
    this.#watched.add(call);
    this.#deadlines.arm(call.deadline, this.#clock.now());
  };

  constructor(world: World, handlers: Handlers) {
    this.#handlers = handlers;
    this.#clock = world.clock;
    this.#codec = world.codec;
    this.#selfId = world.self.id;
    this.#deadlines = new DeadlineTimer(world.clock, (now) => this.#expire(now));
  }

  /** A request came; `reader` stands at it. */
  onRequest(link: Link, reader: FrameReader, now: number): void {
    const { peer } = link;
    const { requestId } = reader;
    const entry = this.#handlers.get(reader.subject);
    if (entry === undefined)
      return this.fail(link, requestId, noHandler(reader.subject, this.#selfId));
    // Two calls of one id would be one place here, and no limit would hold.
    if (peer.calls.has(requestId)) return this.fail(link, requestId, idInUse(requestId));
    if (peer.calls.size >= RPC.inboundMax)
      return this.fail(link, requestId, tooManyCalls(this.#selfId));
    let payload: unknown;
    try {
      payload = reader.decode(this.#codec);
    } catch {
      return this.fail(link, requestId, notDecodable());
    }
    const call = new InboundCall(
      link,
      entry.subject,
      payload,
      reader.trace(),
      "request",
      requestId,
      now + reader.deadlineMs,
      this.#onSignalRead,
    );
    this.#answer(entry, call);
  }

  #answer(entry: SubjectHandler, call: InboundCall): void {
    const { link, requestId } = call;
    try {
      const result = runHandler(entry.handle, call);
      if (!isPromise(result)) {
        this.#finished(call);
        return this.reply(link, requestId, result);
      }
      link.peer.calls.set(requestId, call);
      result.then(
        (value) => {
          if (this.#settle(call)) this.reply(link, requestId, value);
        },
        (thrown: unknown) => {
          if (this.#settle(call)) this.fail(link, requestId, thrown);
        },
      );
    } catch (thrown) {
      this.#finished(call);
      this.fail(link, requestId, thrown);
    }
  }

  /** The handler has finished; false when nobody waits for its reply any more. */
  #settle(call: InboundCall): boolean {
    const { peer } = call.link;
    if (peer.calls.get(call.requestId) === call) peer.calls.delete(call.requestId);
    this.#finished(call);
    return !call.dropped;
  }

  #finished(call: InboundCall): void {
    call.finished = true;
    if (this.#watched.size > 0) this.#watched.delete(call);
  }

  /** Answers a request or a stream. */
  reply(link: Link, requestId: number, value: unknown): void {
    try {
      link.postValue(MessageType.reply, 0, 0, requestId, 0, undefined, value);
    } catch (error) {
      this.fail(link, requestId, error);
    }
  }

  /** Answers it with an error. */
  fail(link: Link, requestId: number, thrown: unknown): void {
    const bytes = encodeError(this.#codec, thrown);
    link.post(MessageType.failure, 0, 0, requestId, 0, undefined, bytes);
  }

  /** The caller waits no more. */
  onCancel(peer: Peer, requestId: number): void {
    const call = peer.calls.get(requestId);
    if (call === undefined) return;
    peer.calls.delete(requestId);
    this.#watched.delete(call);
    call.drop(
      coreErrors.ERR_ABORTED("The caller has cancelled the request", { target: this.#selfId }),
    );
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
}

function tooManyCalls(node: string): Error {
  return coreErrors.ERR_QUEUE_FULL(
    `Node ${node} is already handling ${RPC.inboundMax} requests of this caller: send more slowly`,
    { queue: "inbound requests", limit: RPC.inboundMax, unit: "messages" },
  );
}

function idInUse(requestId: number): Error {
  const reason = `request ${requestId} is being handled already`;
  return overlayErrors.ERR_FRAME_MALFORMED(
    `A peer used the id of a request twice: ${reason}. Compare the versions.`,
    { reason, offset: 0 },
  );
}

function notDecodable(): Error {
  const reason = "the payload is not one well-formed value within the limits";
  return coreErrors.ERR_NOT_DECODABLE(`The request could not be decoded: ${reason}`, { reason });
}
