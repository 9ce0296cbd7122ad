/**
 * MemoryStreams: the byte streams of one node of a MemoryCluster, both ways.
 *
 * The opener sends what fits the credit; the consumer grants more with every piece it takes. Everything goes over the
 * ways of the cluster, in order with the channel's messages. What a cut way loses shows as a gap and breaks the stream.
 */
import { currentTrace, runWithTrace } from "../context/index.js";
import type { TraceContext } from "../context/trace-context.js";
import { coreErrors } from "../errors/errors.js";
import { fromWireError, toWireError } from "../errors/wire.js";
import type { Boot, NodeId } from "../ids/node-id.js";
import type { Member } from "../ports/membership.js";
import type { Route } from "../ports/messenger.js";
import type { ByteSource, InboundStream, StreamHandler, StreamOptions } from "../ports/streams.js";
import { ByteIterator, byteReader, type ByteBuffer, type ByteReader } from "../stream/index.js";
import { testingLimits } from "./limits.js";
import type { ClusterWorld } from "./memory-cluster.js";
import { aborted, unknown, unknownSubject, unreachable } from "./memory-errors.js";
import type { MemoryNode } from "./memory-node.js";

type BreakReason = Parameters<typeof coreErrors.ERR_STREAM_BROKEN>[1]["reason"];

/** A stream that this node sends. */
interface Outgoing {
  readonly id: number;
  readonly target: Member;
  readonly route: Route;
  readonly reader: ByteReader;
  readonly settle: (end: { readonly value: unknown } | { readonly error: unknown }) => void;
  sentBytes: number;
  /** How many bytes may have been sent in all. */
  creditBytes: number;
  /** Continues the pump that waits for credit. */
  resume: () => void;
  ended: boolean;
}

export class MemoryStreams {
  readonly handlers = new Map<string, StreamHandler>();
  readonly #outgoing = new Map<number, Outgoing>();
  /** By the opener's boot and id. */
  readonly #incoming = new Map<string, MemoryStream>();
  #opened = 0;
  #closed = false;

  constructor(
    readonly world: ClusterWorld,
    readonly node: MemoryNode,
  ) {}

  async open(route: Route, source: ByteSource, options: StreamOptions = {}): Promise<unknown> {
    const reader = byteReader(source);
    try {
      return await this.#run(route, reader, options);
    } catch (error) {
      reader.cancel(error);
      throw error;
    }
  }

  /** The member is gone, and what was on the way with it. */
  lose(member: Member): void {
    for (const stream of this.#outgoing.values()) {
      if (stream.target.boot === member.boot)
        stream.settle({ error: unknown(member.id, "connection-lost") });
    }
    for (const stream of this.#incoming.values()) {
      if (stream.fromBoot === member.boot) stream.break("connection-lost", "its node is gone");
    }
  }

  close(): void {
    this.#closed = true;
    for (const { settle, target } of this.#outgoing.values())
      settle({ error: unknown(target.id, "connection-lost") });
    for (const stream of this.#incoming.values())
      stream.break("connection-lost", "the messenger was closed");
  }

  /** A crash: nothing settles any more. */
  stop(): void {
    this.#closed = true;
    for (const stream of this.#outgoing.values()) stream.ended = true;
    this.handlers.clear();
    this.#outgoing.clear();
    this.#incoming.clear();
  }

  #run(route: Route, reader: ByteReader, options: StreamOptions): Promise<unknown> {
    const { signal, timeoutMs, trace = currentTrace() } = options;
    if (signal?.aborted === true) throw aborted(route, signal);
    if (this.#closed)
      throw coreErrors.ERR_CLOSED("The messenger was closed", { what: "messenger" });
    const target = this.node.membership.member(route.to);
    if (!target) throw unreachable(route);
    this.#checkCount(target);
    const metadata = this.world.codec.encode(options.metadata);
    return new Promise((resolve, reject) => {
      const settle: Outgoing["settle"] = (end) => {
        if (!this.#outgoing.delete(stream.id)) return;
        timer?.cancel();
        signal?.removeEventListener("abort", onAbort);
        this.#finish(stream);
        if ("error" in end) reject(end.error as Error);
        else resolve(end.value);
      };
      const giveUp = (reason: "aborted" | "deadline-exceeded") => {
        settle({ error: unknown(route.to, reason) });
        this.#breakAt(stream, "aborted", "its sender has given it up");
      };
      const onAbort = () => giveUp("aborted");
      signal?.addEventListener("abort", onAbort, { once: true });
      const { clock } = this.world;
      const timer =
        timeoutMs === undefined
          ? undefined
          : clock.setTimer(timeoutMs, () => giveUp("deadline-exceeded"));
      const stream = this.#begin(target, route, reader, settle);
      this.#carry(stream, metadata.length, (peer) =>
        peer.#arrive(this.node, stream.id, route, metadata, trace),
      );
      void this.#pump(stream).catch((error: unknown) => {
        settle({ error });
        this.#breakAt(stream, "source-failed", `its source failed: ${String(error)}`);
      });
    });
  }

  #begin(target: Member, route: Route, reader: ByteReader, settle: Outgoing["settle"]): Outgoing {
    const stream: Outgoing = {
      id: ++this.#opened,
      target,
      route,
      reader,
      settle,
      sentBytes: 0,
      creditBytes: testingLimits.streamWindowBytes,
      resume: () => {},
      ended: false,
    };
    this.#outgoing.set(stream.id, stream);
    return stream;
  }

  /** Reads the source while there is credit. */
  async #pump(stream: Outgoing): Promise<void> {
    for (;;) {
      await this.#credit(stream);
      const piece = stream.ended ? undefined : await stream.reader.read();
      if (stream.ended) return;
      if (piece === undefined) break;
      for (let at = 0; at < piece.length && !stream.ended; ) {
        await this.#credit(stream);
        const mostBytes = Math.min(
          testingLimits.streamPieceBytes,
          stream.creditBytes - stream.sentBytes,
        );
        const bytes = piece.slice(at, at + mostBytes);
        this.#sendPiece(stream, bytes);
        at += bytes.length;
      }
    }
    const { id, sentBytes } = stream;
    this.#carry(stream, 0, (peer) => peer.#incomingOf(this.node, id)?.onEnd(sentBytes));
  }

  #sendPiece(stream: Outgoing, bytes: Uint8Array): void {
    if (stream.ended) return;
    const { id, sentBytes } = stream;
    stream.sentBytes += bytes.length;
    this.#carry(stream, bytes.length, (peer) =>
      peer.#incomingOf(this.node, id)?.onPiece(sentBytes, bytes),
    );
  }

  async #credit(stream: Outgoing): Promise<void> {
    while (!stream.ended && stream.creditBytes <= stream.sentBytes)
      await new Promise<void>((resolve) => (stream.resume = resolve));
  }

  /** Nothing more is sent. */
  #finish(stream: Outgoing): void {
    stream.ended = true;
    stream.reader.cancel();
    stream.resume();
  }

  #checkCount(target: Member): void {
    let count = 0;
    for (const stream of this.#outgoing.values()) if (stream.target.id === target.id) count += 1;
    const limit = testingLimits.streamsMax;
    if (count < limit) return;
    throw coreErrors.ERR_QUEUE_FULL(`${limit} streams to node ${target.id} are open already`, {
      queue: "streams",
      limit,
      unit: "messages",
    });
  }

  #breakAt(stream: Outgoing, reason: BreakReason, why: string): void {
    this.#carry(stream, 0, (peer) => peer.#incomingOf(this.node, stream.id)?.break(reason, why));
  }

  #carry(stream: Outgoing, sizeBytes: number, arrive: (peer: MemoryStreams) => void): void {
    const peer = this.world.find(stream.target.id);
    if (!this.node.running || peer?.boot !== stream.target.boot) return;
    this.world.carry(this.node, peer, stream.route.channel, sizeBytes, () =>
      arrive(peer.messenger.streams),
    );
  }

  #incomingOf(from: MemoryNode, id: number): MemoryStream | undefined {
    return this.#incoming.get(`${from.boot}:${id}`);
  }

  #arrive(
    from: MemoryNode,
    id: number,
    route: Route,
    metadata: Uint8Array,
    trace: TraceContext | undefined,
  ): void {
    const answer = (sizeBytes: number, arrive: (outgoing: Outgoing) => void) => {
      if (!this.node.running) return;
      this.world.carry(this.node, from, route.channel, sizeBytes, () => {
        const outgoing = from.messenger.streams.#outgoing.get(id);
        if (outgoing) arrive(outgoing);
      });
    };
    const fail = (thrown: unknown) => {
      const error = toWireError(thrown);
      answer(0, ({ settle }) => settle({ error: fromWireError(error) }));
    };
    const handler = this.handlers.get(route.subject);
    if (!handler) return fail(unknownSubject(route.subject, this.node.id));
    const { codec } = this.world;
    const stream = new MemoryStream(from, route, codec.decode(metadata), trace, {
      grant: (creditBytes) => {
        answer(0, (outgoing) => {
          outgoing.creditBytes = Math.max(outgoing.creditBytes, creditBytes);
          outgoing.resume();
        });
      },
      stop: () => answer(0, (outgoing) => this.#finish(outgoing)),
    });
    const key = `${from.boot}:${id}`;
    this.#incoming.set(key, stream);
    void outcomeOf(handler, stream)
      .then((value) => {
        const bytes = codec.encode(value);
        answer(bytes.length, ({ settle }) => settle({ value: codec.decode(bytes) }));
      })
      .catch(fail)
      .finally(() => {
        this.#incoming.delete(key);
        stream.handlerEnded();
      });
  }
}

/** What a consumer tells its sender. */
interface StreamAnswers {
  /** So many bytes may have been sent in all. */
  grant(creditBytes: number): void;
  /** No more is wanted. */
  stop(): void;
}

/** A stream that this node receives. */
class MemoryStream implements InboundStream, ByteBuffer {
  readonly from: NodeId;
  readonly fromBoot: Boot;
  readonly channel: string;
  readonly subject: string;
  readonly #controller = new AbortController();
  readonly #answers: StreamAnswers;
  readonly #pieces: Uint8Array[] = [];
  readonly #iterator = new ByteIterator(this);
  #receivedBytes = 0;
  #takenBytes = 0;
  #over = false;

  constructor(
    from: MemoryNode,
    route: Route,
    readonly metadata: unknown,
    readonly trace: TraceContext | undefined,
    answers: StreamAnswers,
  ) {
    this.from = from.id;
    this.fromBoot = from.boot;
    this.channel = route.channel;
    this.subject = route.subject;
    this.#answers = answers;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#iterator;
  }

  take(): Uint8Array | undefined {
    const piece = this.#pieces.shift();
    if (piece === undefined) return undefined;
    this.#takenBytes += piece.length;
    if (!this.#over) this.#answers.grant(this.#takenBytes + testingLimits.streamWindowBytes);
    return piece;
  }

  left(): void {
    this.#over = true;
    this.#pieces.length = 0;
    this.#answers.stop();
  }

  onPiece(offset: number, bytes: Uint8Array): void {
    if (this.#over) return;
    if (offset !== this.#receivedBytes) return this.break("connection-lost", "a part was lost");
    this.#receivedBytes += bytes.length;
    this.#pieces.push(bytes);
    this.#iterator.wake();
  }

  onEnd(totalBytes: number): void {
    if (this.#over) return;
    if (totalBytes !== this.#receivedBytes) return this.break("connection-lost", "a part was lost");
    this.#over = true;
    this.#iterator.end();
  }

  break(reason: BreakReason, why: string): void {
    const error = this.#broken(reason, why);
    this.#pieces.length = 0;
    this.#over = true;
    this.#iterator.fail(error);
    this.#controller.abort(error);
  }

  /** The answer is given: who reads on gets an error. */
  handlerEnded(): void {
    this.#over = true;
    this.#pieces.length = 0;
    this.#iterator.fail(this.#broken("handler-ended", "its handler has finished"));
  }

  #broken(reason: BreakReason, why: string): Error {
    return coreErrors.ERR_STREAM_BROKEN(
      `The stream "${this.subject}" from node ${this.from} broke before its end: ${why}`,
      { reason, from: this.from },
    );
  }
}

/** Runs a handler in the call; what it throws becomes a rejection. */
function outcomeOf(handler: StreamHandler, stream: InboundStream): Promise<unknown> {
  try {
    return Promise.resolve(runWithTrace(stream.trace, () => handler(stream)));
  } catch (error) {
    return Promise.reject(error);
  }
}
