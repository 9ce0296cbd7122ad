/**
 * Channel: a name under which the nodes of a cluster send each other messages, requests and streams of bytes, over
 * connections of its own.
 *
 * A channel is the same on every node by its name alone: there is nothing to create, only to open. How it sends (lanes,
 * delivery, priority, …) is each sender's choice; a receiver takes whatever comes.
 */
import type {
  ByteSource,
  Duration,
  Member,
  NodeId,
  SendOutcome,
  TraceContext,
} from "@foundation/core";
import type { ChannelOptions as OverlayChannelOptions } from "@foundation/overlay";
import type { ChannelStats } from "./channel-stats.js";

/** How this node sends on a channel. All of it is optional; the name is given beside it. */
export type ChannelOptions = Omit<OverlayChannelOptions, "name">;

/** A node as `cluster.nodes()` lists it, or its id. */
export type ChannelTarget = Member | NodeId;

export interface ChannelSendOptions {
  /** Messages of one key to one node keep their order, under any number of lanes. @default all in one order */
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How long to wait for room, and for what `delivery` waits for. @default for as long as the node is a member */
  readonly timeout?: Duration | undefined;
}

export interface ChannelRequestOptions extends ChannelSendOptions {
  /** How long to wait for the answer; the other side drops what it has not begun by then. @default "5s" */
  readonly timeout?: Duration | undefined;
}

export interface ChannelStreamOptions extends ChannelSendOptions {
  /** What the handler is given before the first byte: a name, a size. Plain data. @default undefined */
  readonly metadata?: unknown;
  /** For the whole stream, the handler's work included. @default no limit */
  readonly timeout?: Duration | undefined;
}

/** What a handler is given of a message or a request. */
export interface ChannelMessage<Message = unknown> {
  /** Who sent it: answer with `channel.send(message.from, …)`. */
  readonly from: NodeId;
  /** The same as a member; undefined when it is none any more. */
  readonly sender: Member | undefined;
  readonly payload: Message;
  /** Only a request is answered by what the handler returns. */
  readonly kind: "message" | "request";
  /** Fires when nobody waits for the answer any more: the caller cancelled, is gone, or its time is up. */
  readonly signal: AbortSignal;
  /** For a request: monotonic time of this node's clock after which nobody waits. */
  readonly deadline: number | undefined;
  readonly trace: TraceContext | undefined;
}

/**
 * A stream that another node sends. It is read once, by one `for await`; `Readable.from(stream)` and
 * `ReadableStream.from(stream)` make it one of Node's or of the web's. Who does not read holds the sender up after one
 * window; leaving the loop early ends it.
 *
 * The iteration throws `ERR_STREAM_BROKEN` when the sender aborted, failed or is gone: what was read is then only a part.
 */
export interface ChannelStream extends AsyncIterable<Uint8Array> {
  readonly from: NodeId;
  /** The same as a member; undefined when it is none any more. */
  readonly sender: Member | undefined;
  readonly metadata: unknown;
  /** Fires when the stream broke: nobody waits for the handler's result. */
  readonly signal: AbortSignal;
  readonly trace: TraceContext | undefined;
}

/**
 * A channel as one node sees it. `Message` and `Reply` are what the application agreed on: the compiler checks this side,
 * nothing checks what another version of the application sends.
 *
 * @example
 * ```ts
 * import { startCluster } from "@foundation/foundation"
 *
 * const cluster = await startCluster()
 * const sums = cluster.channel<readonly number[], number>("sums", { parallelism: 4 })
 * sums.handle(({ payload }) => payload.reduce((sum, each) => sum + each, 0))
 * for (const node of cluster.nodes()) console.log(await sums.request(node, [1, 2, 3], { timeout: "2s" }))
 * ```
 */
export interface Channel<Message = unknown, Reply = unknown> {
  readonly name: string;
  /**
   * Sends a message; resolves when it was taken into the channel's window, and with `delivery: "acked"` when its handler
   * has finished. It waits while the node is slower than its senders: await it, and nothing piles up.
   * @throws {ERR_NODE_UNREACHABLE} @throws {ERR_TIMEOUT} @throws {ERR_ABORTED} it was not sent.
   * @throws {ERR_QUEUE_FULL} `overflow: "error"`, and there is no room. @throws {ERR_OUTCOME_UNKNOWN} acked, and it is not known.
   * @throws {ERR_NOT_ENCODABLE} @throws {ERR_MESSAGE_TOO_LARGE} more than 64 MiB: use a stream.
   */
  send(node: ChannelTarget, payload: Message, options?: ChannelSendOptions): Promise<void>;
  /** Sends a message if that needs no waiting; `"full"` means that it was not sent. @throws {ERR_NOT_ENCODABLE} */
  trySend(
    node: ChannelTarget,
    payload: Message,
    options?: Pick<ChannelSendOptions, "key">,
  ): SendOutcome;
  /**
   * Sends a request and waits for what the node's handler returns.
   * @throws {ERR_NODE_UNREACHABLE} @throws {ERR_TIMEOUT} @throws {ERR_ABORTED} it did not run: a retry is safe.
   * @throws {ERR_OUTCOME_UNKNOWN} it was sent and may have run. @throws {ERR_UNKNOWN_SUBJECT} the node does not handle the
   * channel. Any FoundationError that the handler threw.
   */
  request(node: ChannelTarget, payload: Message, options?: ChannelRequestOptions): Promise<Reply>;
  /**
   * Streams bytes of any amount, in constant memory; resolves with what the node's stream handler returned. The source is
   * an (async) iterable of `Uint8Array`: Node's `Readable`, a web `ReadableStream`, a generator. It belongs to the stream,
   * which ends it whatever happens.
   * @throws {ERR_NODE_UNREACHABLE} @throws {ERR_TIMEOUT} @throws {ERR_ABORTED} nothing was sent.
   * @throws {ERR_OUTCOME_UNKNOWN} a part was sent. Whatever the source threw; any FoundationError of the handler.
   */
  stream(node: ChannelTarget, source: ByteSource, options?: ChannelStreamOptions): Promise<unknown>;
  /**
   * Handles the messages and requests of this channel on this node. It is called in the order of arrival of each lane; what
   * it does asynchronously holds up the sender's window, not the next message. Returns the function that ends it.
   * @throws {ERR_INVALID_ARGUMENT} the channel has a handler already.
   */
  handle(handler: (message: ChannelMessage<Message>) => Reply | Promise<Reply>): () => void;
  /**
   * Handles the streams of this channel on this node; what it returns is what the sender's `stream` gives. Returns the
   * function that ends it. @throws {ERR_INVALID_ARGUMENT} the channel has a stream handler already.
   */
  handleStream(handler: (stream: ChannelStream) => unknown): () => void;
  /** What is queued, what waits and what went over the channel's links, as this node counts it. */
  stats(): ChannelStats;
}
