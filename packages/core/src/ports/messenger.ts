/**
 * Messenger: messages between authenticated nodes, on named channels.
 *
 * Guarantees: messages with the same target, channel and lane arrive in the order they were sent, at most once each.
 * The lane is chosen by `key`, so one key's order holds under any number of lanes. Handlers are called synchronously in
 * order of arrival; what they do asynchronously does not hold up the next message. Channels do not block each other.
 * `node-down` of Membership is told after the last message of that node was handed to its handlers.
 * A message to oneself is encoded and decoded like any other, so that nothing is shared by accident.
 * Threading: every callback runs on the event loop of the caller's thread.
 * Limits: a queue of `queueBytesMax` for each link; a message of `messageBytesMax`; `pendingRequestsMax` requests.
 */
import type { NodeId, Boot } from "../ids/node-id.js";
import type { TraceContext } from "../context/trace-context.js";
import type { ByteSource, StreamHandler, StreamOptions } from "./streams.js";

/** Where a message goes. Keep the object and use it again: nothing is allocated for it. */
export interface Route {
  readonly to: NodeId;
  /** `coordination` is membership's own; see DESIGN's list for the others. */
  readonly channel: string;
  /** Names the handler at the target, e.g. `pubsub.deliver`. */
  readonly subject: string;
  /** Partition key: equal keys keep their order under any number of lanes. Default: one lane for all. */
  readonly key?: string;
  /**
   * Handled only after everything that this node sent to the target on this channel before, by whatever lane, was handed
   * to its handlers. With one lane that is so anyway; with more it costs a small message on each. @default false
   */
  readonly fence?: boolean;
}

export interface SendOptions {
  readonly signal?: AbortSignal | undefined;
  /** Trace context to carry. Default: that of the surrounding handler. */
  readonly trace?: TraceContext | undefined;
}

export interface RequestOptions extends SendOptions {
  /** Milliseconds until the caller stops waiting; the receiver drops the request after it too. @default 5000 */
  readonly timeoutMs?: number | undefined;
}

export type SendOutcome = "accepted" | "full" | "unreachable";

export interface Messenger {
  /** This node. */
  readonly self: NodeId;
  /**
   * Sends one message; resolves when it is accepted into the link's window (not when it arrives).
   * @throws {ERR_NODE_UNREACHABLE} no member of that id, or no connection to it could be made.
   * @throws {ERR_NOT_ENCODABLE} the payload is not plain data. @throws {ERR_ABORTED} the signal fired while waiting.
   */
  send(route: Route, payload: unknown, options?: SendOptions): Promise<void>;
  /**
   * Sends one message if that needs no waiting for room, and says what became of it. What is not accepted is not
   * queued. A link that is still being opened counts as room.
   * @throws {ERR_NOT_ENCODABLE} the payload is not plain data.
   */
  trySend(route: Route, payload: unknown, options?: SendOptions): SendOutcome;
  /**
   * Sends one request and waits for the reply.
   * @throws {ERR_NODE_UNREACHABLE} it was never written: a retry is safe. @throws {ERR_TIMEOUT} the same, by time.
   * @throws {ERR_OUTCOME_UNKNOWN} it was written and no reply came: it may have run.
   * @throws {ERR_UNKNOWN_SUBJECT} the target has no handler. Any FoundationError the handler threw.
   */
  request(route: Route, payload: unknown, options?: RequestOptions): Promise<unknown>;
  /**
   * Handles a subject; its return value (or promise) answers a request and is ignored for a plain message.
   * Returns the function that ends it. @throws {ERR_INVALID_ARGUMENT} when the subject is handled already.
   */
  handle(subject: string, handler: MessageHandler): () => void;
  /**
   * Streams the source's bytes to the subject's stream handler; resolves with what that handler returns. It ends early,
   * with the handler's result, when the handler wants no more. Until it settles, the source belongs to it, and is ended
   * by it in every case.
   * @throws {ERR_NODE_UNREACHABLE} @throws {ERR_TIMEOUT} @throws {ERR_ABORTED} nothing was written.
   * @throws {ERR_OUTCOME_UNKNOWN} something was written, and then the connection was lost, the time ran out or the
   * signal fired. @throws {ERR_UNKNOWN_SUBJECT} the target has no such handler. @throws {ERR_INVALID_ARGUMENT} the
   * source gives something else than `Uint8Array`s. @throws {ERR_QUEUE_FULL} too many streams with that node.
   * @throws {ERR_NOT_ENCODABLE} the metadata is not plain data. Any FoundationError the handler threw, and whatever the
   * source threw.
   *
   * @example
   * ```ts
   * import { createReadStream } from "node:fs"
   * import { memoryCluster, virtualClock } from "@foundation/core/testing"
   *
   * const cluster = memoryCluster({ clock: virtualClock(), nodes: ["a", "b"] })
   * cluster.node("b").messenger.handleStream("upload", async (stream) => {
   *   let sizeBytes = 0
   *   for await (const piece of stream) sizeBytes += piece.length
   *   return sizeBytes
   * })
   * const route = { to: cluster.node("b").id, channel: "data", subject: "upload" }
   * void cluster.node("a").messenger.stream(route, createReadStream("video.mp4"), { metadata: { name: "video.mp4" } })
   * ```
   */
  stream(route: Route, source: ByteSource, options?: StreamOptions): Promise<unknown>;
  /**
   * Handles the streams of a subject; what the handler returns (or its promise) is the value of the sender's `stream`.
   * Subjects of streams are a name space of their own. Returns the function that ends it; streams under way go on.
   * @throws {ERR_INVALID_ARGUMENT} when the subject's streams are handled already.
   */
  handleStream(subject: string, handler: StreamHandler): () => void;
}

export type MessageHandler = (message: InboundMessage) => unknown;

export interface InboundMessage {
  readonly from: NodeId;
  readonly fromBoot: Boot;
  readonly channel: string;
  readonly subject: string;
  readonly payload: unknown;
  readonly kind: "message" | "request";
  /** For a request: monotonic time (Clock.now) after which nobody waits for the reply any more. */
  readonly deadline: number | undefined;
  /** Fires when the caller cancelled, its deadline passed or it is gone. Made when first read. */
  readonly signal: AbortSignal;
  /** True when the caller cancelled or is gone: what `signal` would say, without making one. Absent: not known. */
  readonly dropped?: boolean;
  readonly trace: TraceContext | undefined;
}
