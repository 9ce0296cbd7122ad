/**
 * AckedCalls: messages of acked channels that arrive here: handled once, answered when their handler
 * has finished, and answered again when they are repeated.
 *
 * Invariant: a handler is called at most once for a sender's start and id, whichever link brings the
 * message and however often (see protocol/delivery/acked-inbox.ts).
 */
import { coreErrors, type Clock, type Codec } from "@foundation/core";
import { ACKED_IN } from "../../protocol/delivery/limits.js";
import { AckedInbox } from "../../protocol/delivery/acked-inbox.js";
import { Flag, MessageType, type FrameReader } from "../../protocol/frame.js";
import type { Handlers } from "../handlers.js";
import { InboundCall, isPromise, runHandler } from "../inbound-call.js";
import type { Link } from "../link.js";
import { encodeError, noHandler } from "../messenger-errors.js";
import type { OverlayMetrics } from "../metrics.js";
import type { World } from "../world.js";

const EMPTY = new Uint8Array(0);

export class AckedCalls {
  readonly #handlers: Handlers;
  readonly #clock: Clock;
  readonly #codec: Codec;
  readonly #metrics: OverlayMetrics;
  readonly #selfId: string;
  readonly #inbox = new AckedInbox();

  constructor(world: World, handlers: Handlers) {
    this.#handlers = handlers;
    this.#clock = world.clock;
    this.#codec = world.codec;
    this.#metrics = world.metrics;
    this.#selfId = world.self.id;
  }

  /** A message came; the reader stands at it. */
  onMessage(link: Link, reader: FrameReader): void {
    const { requestId: id } = reader;
    const verdict = this.#inbox.begin(link.peer.boot, id, this.#clock.now());
    if (verdict.type !== "handle") this.#metrics.dropped("repeated");
    switch (verdict.type) {
      case "handle":
        return this.#handle(link, reader, id);
      case "wait":
        return;
      case "answer":
        return this.#answer(link, id, verdict.error);
      case "forgotten":
        return this.#answer(link, id, encodeError(this.#codec, forgotten(this.#selfId)));
      case "full":
        return this.#answer(link, id, encodeError(this.#codec, tooMany(this.#selfId)));
    }
  }

  #handle(link: Link, reader: FrameReader, id: number): void {
    const entry = this.#handlers.get(reader.subject);
    if (entry === undefined) return this.#finish(link, id, noHandler(reader.subject, this.#selfId));
    const bytes = reader.payload();
    let payload: unknown;
    try {
      payload = this.#codec.decode(bytes);
    } catch (error) {
      return this.#finish(link, id, error);
    }
    const call = new InboundCall(link, entry.subject, payload, reader.trace());
    try {
      const result = runHandler(entry.handle, call);
      if (!isPromise(result)) return this.#finish(link, id, undefined);
      // A sender whose messages wait for their handlers gets less credit.
      const release = link.hold(bytes.length);
      const finish = (thrown?: { readonly error: unknown }) => {
        release();
        this.#finish(link, id, thrown?.error, thrown !== undefined);
      };
      result.then(
        () => finish(),
        (error: unknown) => finish({ error }),
      );
    } catch (thrown) {
      this.#finish(link, id, thrown, true);
    }
  }

  #finish(link: Link, id: number, thrown: unknown, hasFailed = thrown !== undefined): void {
    const error = hasFailed ? encodeError(this.#codec, thrown) : undefined;
    this.#inbox.finish(link.peer.boot, id, error, this.#clock.now());
    this.#answer(link, id, error);
  }

  /** An answer whose link has ended is not lost: the repetition comes by another one. */
  #answer(link: Link, id: number, error: Uint8Array | undefined): void {
    if (link.isClosed) return;
    const type = error === undefined ? MessageType.reply : MessageType.failure;
    link.post(type, Flag.acked, 0, id, 0, undefined, error ?? EMPTY);
  }
}

function forgotten(target: string): Error {
  return coreErrors.ERR_OUTCOME_UNKNOWN(
    "The message was repeated after its first copy was forgotten: it may or may not have run",
    { reason: "deadline-exceeded", target },
  );
}

function tooMany(node: string): Error {
  const limit = ACKED_IN.handlingMax;
  return coreErrors.ERR_QUEUE_FULL(
    `Node ${node} is already handling ${limit} acked messages of this sender: send more slowly`,
    { queue: "acked messages", limit, unit: "messages" },
  );
}
