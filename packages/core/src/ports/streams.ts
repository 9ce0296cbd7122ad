/**
 * Byte streams: data of any size between two nodes, part of the Messenger port.
 *
 * Guarantees: the consumer gets the source's bytes in order, each once, and then the end, or an error; never a silent
 * end. How the source cut them into pieces is not kept. Credit flows back as the consumer takes bytes: who does not read
 * stops the source after one window, and holds up no message. An end of either side reaches the other: the source is
 * told by its `return` (a generator's `finally` runs), `destroy` or `cancel`, the consumer by an error.
 * Limits: the implementation's window for each stream, and its number of streams with one node.
 */
import type { TraceContext } from "../context/trace-context.js";
import type { Boot, NodeId } from "../ids/node-id.js";
import type { SendOptions } from "./messenger.js";

/**
 * Where the bytes of a stream come from: anything iterable that gives `Uint8Array`s, so Node's `Readable` and a web
 * `ReadableStream` too. A piece is read before the next one is asked for: its memory may be used again then.
 */
export type ByteSource =
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>
  | ReadableStream<Uint8Array>;

export interface StreamOptions extends SendOptions {
  /** What the handler sees as `stream.metadata`: a file name, a size. Plain data. @default undefined */
  readonly metadata?: unknown;
  /** Milliseconds for the whole stream, the handler's work included. @default no limit */
  readonly timeoutMs?: number | undefined;
}

/**
 * A stream as its handler sees it. It is read once, by one loop: every iterator is the same one. Leaving the loop early
 * ends the sender's source; so does the handler when it returns, or when the promise that it returned settles.
 *
 * The iteration throws `ERR_STREAM_BROKEN`: the sender gave it up (by its signal or its deadline), its source failed, or
 * its node is gone.
 */
export interface InboundStream extends AsyncIterable<Uint8Array> {
  readonly from: NodeId;
  readonly fromBoot: Boot;
  readonly channel: string;
  readonly subject: string;
  readonly metadata: unknown;
  /** Fires when the stream broke: the iteration throws then, and nobody waits for the handler's result. */
  readonly signal: AbortSignal;
  readonly trace: TraceContext | undefined;
}

export type StreamHandler = (stream: InboundStream) => unknown;
