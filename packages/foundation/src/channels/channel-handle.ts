/**
 * ChannelHandle: the Channel interface over the Messenger port.
 *
 * A channel's messages have one subject, made of its name; streams have a name space of their own. `send` and `trySend`
 * without a key and without a timeout allocate nothing here: the route to each node is kept while the node is a member.
 */
import {
  coreErrors,
  isNodeId,
  parseDuration,
  shown,
  type ByteSource,
  type Clock,
  type InboundMessage,
  type InboundStream,
  type Member,
  type Membership,
  type Messenger,
  type NodeId,
  type Route,
  type SendOutcome,
} from "@foundation/core";
import type { LinkStats } from "@foundation/overlay";
import { limits } from "../limits.js";
import { channelStats, type ChannelStats } from "./channel-stats.js";
import type {
  Channel,
  ChannelMessage,
  ChannelRequestOptions,
  ChannelSendOptions,
  ChannelStream,
  ChannelStreamOptions,
  ChannelTarget,
} from "./channel.js";
import { within } from "./within.js";

/** What a channel is made on. */
export interface ChannelPorts {
  readonly messenger: Messenger;
  readonly membership: Membership;
  readonly clock: Clock;
  /** Figures of all links of this node. */
  readonly links: () => readonly LinkStats[];
}

export class ChannelHandle implements Channel {
  readonly #ports: ChannelPorts;
  readonly #subject: string;
  readonly #routes = new Map<NodeId, Route>();
  readonly #handled = new Set<string>();

  constructor(
    readonly name: string,
    ports: ChannelPorts,
  ) {
    this.#ports = ports;
    this.#subject = `channel.${name}`;
  }

  send(node: ChannelTarget, payload: unknown, options?: ChannelSendOptions): Promise<void> {
    const { messenger, clock } = this.#ports;
    try {
      checkSignal(options?.signal);
      const route = this.#route(node, options?.key);
      if (options?.timeout === undefined) return messenger.send(route, payload, options);
      const bound = this.#bound(route, options.timeout, options.signal);
      return within(clock, bound, (signal) => messenger.send(route, payload, { signal }));
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  trySend(
    node: ChannelTarget,
    payload: unknown,
    options?: Pick<ChannelSendOptions, "key">,
  ): SendOutcome {
    return this.#ports.messenger.trySend(this.#route(node, options?.key), payload);
  }

  async request(
    node: ChannelTarget,
    payload: unknown,
    { key, signal, timeout }: ChannelRequestOptions = {},
  ): Promise<unknown> {
    checkSignal(signal);
    const route = this.#route(node, key);
    const timeoutMs = boundOf(timeout);
    return this.#ports.messenger.request(route, payload, { signal, timeoutMs });
  }

  async stream(
    node: ChannelTarget,
    source: ByteSource,
    { key, signal, timeout, metadata }: ChannelStreamOptions = {},
  ): Promise<unknown> {
    checkSignal(signal);
    const route = this.#route(node, key);
    const timeoutMs = boundOf(timeout);
    return this.#ports.messenger.stream(route, source, { signal, timeoutMs, metadata });
  }

  handle(handler: (message: ChannelMessage) => unknown): () => void {
    const { messenger, membership } = this.#ports;
    checkHandler(this.name, handler);
    return this.#once("handle", () =>
      messenger.handle(this.#subject, (message) =>
        handler(new ReceivedMessage(message, membership)),
      ),
    );
  }

  handleStream(handler: (stream: ChannelStream) => unknown): () => void {
    const { messenger, membership } = this.#ports;
    checkHandler(this.name, handler);
    return this.#once("handleStream", () =>
      messenger.handleStream(this.#subject, (stream) =>
        handler(new ReceivedStream(stream, membership)),
      ),
    );
  }

  stats(): ChannelStats {
    return channelStats(this.name, this.#ports.links());
  }

  /** A node that is gone is not sent to any more. */
  forget(id: NodeId): void {
    this.#routes.delete(id);
  }

  /** A second handler would take messages from the first, or get none: who has it must end it. */
  #once(kind: "handle" | "handleStream", register: () => () => void): () => void {
    if (this.#handled.has(kind)) {
      const expected = `called once: what ${kind}() returned ends the first handler`;
      throw invalid(`${kind}() of channel ${this.name}`, expected, "a second handler");
    }
    const end = register();
    this.#handled.add(kind);
    let isEnded = false;
    return () => {
      if (isEnded) return;
      isEnded = true;
      end();
      this.#handled.delete(kind);
    };
  }

  #route(node: ChannelTarget, key: string | undefined): Route {
    const to = typeof node === "string" ? node : node?.id;
    if (key !== undefined)
      return { to: checked(to), channel: this.name, subject: this.#subject, key };
    const known = this.#routes.get(to);
    if (known !== undefined) return known;
    const route = { to: checked(to), channel: this.name, subject: this.#subject };
    if (this.#routes.size < limits.routesMax && this.#ports.membership.member(to) !== undefined) {
      this.#routes.set(to, route);
    }
    return route;
  }

  #bound(route: Route, timeout: ChannelSendOptions["timeout"], signal: AbortSignal | undefined) {
    const timeoutMs = parseDuration(timeout ?? 0, "timeout");
    return { timeoutMs, signal, target: `${route.to} on channel ${this.name}` };
  }
}

/** Only what an application has use for, and the sender as a member. */
class ReceivedMessage implements ChannelMessage {
  readonly from: NodeId;
  readonly payload: unknown;
  readonly kind: "message" | "request";
  readonly deadline: number | undefined;
  readonly trace: ChannelMessage["trace"];
  readonly #message: InboundMessage;
  readonly #membership: Membership;

  constructor(message: InboundMessage, membership: Membership) {
    this.from = message.from;
    this.payload = message.payload;
    this.kind = message.kind;
    this.deadline = message.deadline;
    this.trace = message.trace;
    this.#message = message;
    this.#membership = membership;
  }

  get sender(): Member | undefined {
    return this.#membership.member(this.from);
  }

  /** Made when it is first read. */
  get signal(): AbortSignal {
    return this.#message.signal;
  }
}

class ReceivedStream implements ChannelStream {
  readonly from: NodeId;
  readonly metadata: unknown;
  readonly signal: AbortSignal;
  readonly trace: ChannelStream["trace"];
  readonly #stream: InboundStream;
  readonly #membership: Membership;

  constructor(stream: InboundStream, membership: Membership) {
    this.from = stream.from;
    this.metadata = stream.metadata;
    this.signal = stream.signal;
    this.trace = stream.trace;
    this.#stream = stream;
    this.#membership = membership;
  }

  get sender(): Member | undefined {
    return this.#membership.member(this.from);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#stream[Symbol.asyncIterator]();
  }
}

/** @throws {ERR_INVALID_ARGUMENT} */
function checked(id: unknown): NodeId {
  if (isNodeId(id)) return id;
  throw invalid("node", "a member of cluster.nodes(), or its id", id);
}

/** Anything else would be found out when the message is settled, out of reach of whoever sent it. */
function checkSignal(signal: unknown): void {
  const { aborted, removeEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  const isSignal = typeof aborted === "boolean" && typeof removeEventListener === "function";
  if (signal === undefined || isSignal) return;
  const hint = signal instanceof AbortController ? " (the signal of the controller)" : "";
  throw invalid("signal", `an AbortSignal${hint}`, signal);
}

/** @throws {ERR_INVALID_ARGUMENT} */
function boundOf(timeout: ChannelSendOptions["timeout"]): number | undefined {
  if (timeout === undefined) return undefined;
  const timeoutMs = parseDuration(timeout, "timeout");
  if (timeoutMs > 0) return timeoutMs;
  throw invalid("timeout", "more than 0: nothing is answered in no time", timeout);
}

function checkHandler(name: string, handler: unknown): void {
  if (typeof handler !== "function")
    throw invalid(`the handler of channel ${name}`, "a function", handler);
}

function invalid(argument: string, expected: string, value: unknown): Error {
  const found = shown(value);
  return coreErrors.ERR_INVALID_ARGUMENT(`${argument} must be ${expected}, found ${found}`, {
    argument,
    expected,
    found,
  });
}
