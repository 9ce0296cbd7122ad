/**
 * OutboundStreams: the streams that this node has opened, from the call to what it ends with.
 *
 * A stream waits for its answer in the table of requests, so its deadline, its abort, a lost
 * connection and the end of the node are settled there, and by the same rules: it ends with
 * ERR_OUTCOME_UNKNOWN only if its opening was handed to a connection.
 *
 * Invariants: a stream is settled once, and then its source has ended; FLOW.streamsMax streams to
 * one node.
 */
import {
  byteReader,
  currentTrace,
  isFoundationError,
  type ByteReader,
  type ByteSource,
  type Clock,
  type Codec,
  type NodeId,
  type Route,
  type StreamOptions,
  type TraceContext,
} from "@foundation/core";
import { FLOW } from "../../limits.js";
import type { Position } from "../../protocol/batch.js";
import { MessageType } from "../../protocol/frame.js";
import { SubjectHashes } from "../handlers.js";
import type { Link } from "../link.js";
import { checkSignal, checkTimeout, unreachable } from "../messenger-errors.js";
import { Pending } from "../outbound-requests.js";
import { sourceFailed, tooManyStreams } from "./stream-errors.js";
import type { StreamLink } from "./stream-link.js";
import { StreamSender } from "./stream-sender.js";

/** The table where streams wait for their answers. */
export interface StreamRequests {
  /** Posts a stream's opening, at once or when there is room. @throws {ERR_QUEUE_FULL} */
  add(
    type: typeof MessageType.stream,
    entry: Pending,
    now: number,
    hash: number,
    trace: TraceContext | undefined,
    metadata: unknown,
  ): void;
  /** Ends it with an error of this side; the other side is told `why`, if it knows of it. */
  abandon(entry: Pending, error: Error, why: Uint8Array): void;
}

/** Finds links; undefined: there is no such node. */
export interface StreamLinkFinder {
  linkTo(to: NodeId, channel: string, key: string | undefined): Link | undefined;
}

const EMPTY = new Uint8Array(0);

/** A stream that waits for its answer. */
class PendingStream extends Pending {
  sender: StreamSender | undefined;

  override keep(position: Position): void {
    super.keep(position);
    this.sender?.begin(this.id);
  }
}

export interface OutboundStreamsWorld {
  readonly clock: Clock;
  readonly codec: Codec;
  /** The largest piece. */
  readonly chunkBytes: number;
  readonly self: { readonly id: string };
}

export class OutboundStreams {
  readonly #world: OutboundStreamsWorld;
  readonly #links: StreamLinkFinder;
  readonly #requests: StreamRequests;
  readonly #hashes = new SubjectHashes();
  readonly #byId = new Map<number, PendingStream>();
  readonly #counts = new Map<NodeId, number>();

  constructor(world: OutboundStreamsWorld, links: StreamLinkFinder, requests: StreamRequests) {
    this.#world = world;
    this.#links = links;
    this.#requests = requests;
  }

  async open(route: Route, source: ByteSource, options: StreamOptions = {}): Promise<unknown> {
    const reader = byteReader(source);
    try {
      return await new Promise((resolve, reject) => {
        this.#begin(route, reader, options, resolve, reject);
      });
    } catch (error) {
      reader.cancel(error);
      throw error;
    }
  }

  /** The receiver lets so many bytes be sent in all, or wants no more. */
  onWindow(link: StreamLink, requestId: number, totalBytes: number): void {
    const stream = this.#byId.get(requestId);
    if (stream?.to === link.peer.id) return stream.sender?.granted(totalBytes);
    // Who grants goes on waiting for pieces: it has missed that the stream is over.
    link.post(MessageType.cancel, 0, 0, requestId, 0, undefined, EMPTY);
  }

  #begin(
    { to, channel, key, subject }: Route,
    reader: ByteReader,
    { signal, timeoutMs, trace, metadata }: StreamOptions,
    resolve: (value: unknown) => void,
    reject: (error: Error) => void,
  ): void {
    if (timeoutMs !== undefined) checkTimeout(timeoutMs);
    if (signal !== undefined) checkSignal(signal, to);
    const hash = this.#hashes.of(subject);
    const link = this.#links.linkTo(to, channel, key);
    if (link === undefined) throw unreachable(to, "it is not a member of the cluster");
    const count = this.#counts.get(to) ?? 0;
    if (count >= FLOW.streamsMax) throw tooManyStreams("outbound streams", to);
    const now = this.#world.clock.now();
    const forMs = timeoutMs ?? Number.POSITIVE_INFINITY;
    const end = (error?: Error) => {
      this.#ended(stream);
      stream.sender?.close(error);
      if (error !== undefined) this.#tellLost(stream, error);
    };
    const stream: PendingStream = new PendingStream(
      link,
      to,
      subject,
      now + forMs,
      forMs,
      signal,
      (value) => {
        end();
        resolve(value);
      },
      (error) => {
        end(error);
        reject(error);
      },
    );
    stream.sender = new StreamSender(link, reader, this.#world.chunkBytes, (thrown) =>
      this.#failed(stream, thrown),
    );
    const traced = trace ?? currentTrace();
    this.#requests.add(MessageType.stream, stream, now, hash, traced, metadata);
    if (stream.settled) return;
    this.#byId.set(stream.id, stream);
    this.#counts.set(to, count + 1);
  }

  #ended({ id, to }: PendingStream): void {
    if (!this.#byId.delete(id)) return;
    const count = (this.#counts.get(to) ?? 0) - 1;
    if (count > 0) this.#counts.set(to, count);
    else this.#counts.delete(to);
  }

  /** The source threw: the consumer shall see that it did. */
  #failed(stream: PendingStream, thrown: unknown): void {
    const error = isError(thrown) ? thrown : new Error(String(thrown), { cause: thrown });
    const why = sourceFailed(stream.subject, this.#world.self.id, thrown);
    this.#requests.abandon(stream, error, this.#world.codec.encode(why));
  }

  /** A lane that retains may still carry the opening to a peer that lives: it shall not wait. */
  #tellLost({ link, id }: PendingStream, error: Error): void {
    if (!link.retains || !isFoundationError(error, "ERR_OUTCOME_UNKNOWN")) return;
    if (error.details["reason"] !== "connection-lost") return;
    link.post(MessageType.cancel, 0, 0, id, 0, undefined, EMPTY);
  }
}

/** Also of another realm: what a file throws inside a test runner's context is given on with its code. */
function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || Object.prototype.toString.call(thrown) === "[object Error]";
}
