/**
 * MemoryMessenger: Messenger over the ways of a MemoryCluster.
 *
 * A message is "written" when it is accepted onto the way. So a request that waits for room ends ERR_TIMEOUT or
 * ERR_ABORTED, and one that was accepted ends ERR_OUTCOME_UNKNOWN when no reply comes, as with the real overlay.
 */
import { currentTrace, runWithTrace } from "../context/index.js";
import type { TraceContext } from "../context/trace-context.js";
import { coreErrors } from "../errors/errors.js";
import { fromWireError, toWireError, type WireError } from "../errors/wire.js";
import type { NodeId } from "../ids/node-id.js";
import type { Member } from "../ports/membership.js";
import type {
  InboundMessage,
  MessageHandler,
  Messenger,
  RequestOptions,
  Route,
  SendOptions,
  SendOutcome,
} from "../ports/messenger.js";
import type { ByteSource, StreamHandler, StreamOptions } from "../ports/streams.js";
import { testingLimits } from "./limits.js";
import type { ClusterWorld } from "./memory-cluster.js";
import {
  aborted,
  timedOut,
  tooManyRequests,
  unknown,
  unknownSubject,
  unreachable,
} from "./memory-errors.js";
import type { MemoryNode } from "./memory-node.js";
import { MemoryStreams } from "./memory-streams.js";

type Reply =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly error: WireError };

/** What goes over a way. */
interface Envelope {
  readonly route: Route;
  readonly bytes: Uint8Array;
  readonly trace: TraceContext | undefined;
  readonly request: { readonly id: number; readonly deadline: number } | undefined;
}

interface PendingRequest {
  readonly target: Member;
  readonly settle: (reply: Reply | Error) => void;
}

interface Waiter {
  readonly to: NodeId;
  readonly fail: (error: Error) => void;
}

const DEFAULT_TIMEOUT_MS = 5_000;

export class MemoryMessenger implements Messenger {
  readonly handlers = new Map<string, MessageHandler>();
  readonly #pending = new Map<number, PendingRequest>();
  /** Requests that this node is answering, for cancellation: by caller's boot and id. */
  readonly #serving = new Map<string, AbortController>();
  /** Senders in line for room. */
  readonly #waiting = new Set<Waiter>();
  readonly streams: MemoryStreams;
  #requests = 0;
  #closed = false;

  constructor(
    readonly world: ClusterWorld,
    readonly node: MemoryNode,
  ) {
    this.streams = new MemoryStreams(world, node);
  }

  get self(): NodeId {
    return this.node.id;
  }

  async send(route: Route, payload: unknown, options?: SendOptions): Promise<void> {
    const { signal, trace = currentTrace() } = options ?? {};
    if (signal?.aborted) throw aborted(route, signal);
    const bytes = this.#encode(payload);
    const write = () => this.#carry(route, bytes, trace);
    if (this.#writeNow(route, bytes.length, write)) return;
    await this.#writeLater(route, bytes.length, write, signal);
  }

  trySend(route: Route, payload: unknown, options?: SendOptions): SendOutcome {
    return this.post(route, this.#encode(payload), options);
  }

  /** trySend of what is encoded already: a broadcast encodes once. */
  post(route: Route, bytes: Uint8Array, options?: SendOptions): SendOutcome {
    if (this.#closed || !this.node.membership.member(route.to)) return "unreachable";
    const { trace = currentTrace() } = options ?? {};
    const write = () => this.#carry(route, bytes, trace);
    return this.#writeNow(route, bytes.length, write) ? "accepted" : "full";
  }

  async request(route: Route, payload: unknown, options: RequestOptions = {}): Promise<unknown> {
    const { signal, trace = currentTrace(), timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    if (signal?.aborted) throw aborted(route, signal);
    if (this.#pending.size >= testingLimits.pendingRequestsMax) throw tooManyRequests();
    const deadline = this.world.clock.now() + timeoutMs;
    const bytes = this.#encode(payload);
    const id = ++this.#requests;
    let answer: Promise<Reply | Error> | undefined;
    const write = () => {
      answer = this.#awaitReply(route, id, signal, deadline);
      this.#carry(route, bytes, trace, { id, deadline });
    };
    if (!this.#writeNow(route, bytes.length, write)) {
      await this.#writeLater(route, bytes.length, write, signal, timeoutMs);
    }
    const reply = (await answer) as Reply | Error;
    if (reply instanceof Error) throw reply;
    if (!reply.ok) throw fromWireError(reply.error);
    return this.world.codec.decode(reply.bytes);
  }

  handle(subject: string, handler: MessageHandler): () => void {
    return handleOnce(this.handlers, subject, handler);
  }

  stream(route: Route, source: ByteSource, options?: StreamOptions): Promise<unknown> {
    return this.streams.open(route, source, options);
  }

  handleStream(subject: string, handler: StreamHandler): () => void {
    return handleOnce(this.streams.handlers, subject, handler);
  }

  /** The member is gone: its unanswered requests have an unknown outcome, its own are cancelled. */
  lose(member: Member): void {
    for (const { to, fail } of this.#waiting) if (to === member.id) fail(unreachable({ to }));
    for (const { target, settle } of this.#pending.values()) {
      if (target.boot === member.boot) settle(unknown(member.id, "connection-lost"));
    }
    for (const [key, controller] of this.#serving) {
      if (key.startsWith(member.boot)) controller.abort();
    }
    this.streams.lose(member);
  }

  /** An orderly end: every waiting caller is told. */
  close(): void {
    this.#closed = true;
    const closed = coreErrors.ERR_CLOSED("The messenger was closed", { what: "messenger" });
    for (const { fail } of this.#waiting) fail(closed);
    for (const { target, settle } of this.#pending.values()) {
      settle(unknown(target.id, "connection-lost"));
    }
    this.streams.close();
  }

  /** A crash: nothing settles any more. */
  stop(): void {
    this.#closed = true;
    this.handlers.clear();
    this.#waiting.clear();
    this.#pending.clear();
    this.#serving.clear();
    this.streams.stop();
  }

  #encode(payload: unknown): Uint8Array {
    const bytes = this.world.codec.encode(payload);
    if (bytes.length <= this.world.messageBytesMax) return bytes;
    const found = `${bytes.length} bytes, more than messageBytesMax ${this.world.messageBytesMax}`;
    throw coreErrors.ERR_NOT_ENCODABLE(`The payload has ${found}: send less, or in parts`, {
      path: "$",
      found,
    });
  }

  /** Writes at once where there is room, so that the order of calls is the order of messages. */
  #writeNow(route: Route, sizeBytes: number, write: () => void): boolean {
    if (this.#closed)
      throw coreErrors.ERR_CLOSED("The messenger was closed", { what: "messenger" });
    if (!this.node.membership.member(route.to)) throw unreachable(route);
    const way = this.world.way(this.node, { id: route.to }, route.channel);
    if (!way.hasRoom(sizeBytes)) return false;
    write();
    return true;
  }

  #writeLater(
    route: Route,
    sizeBytes: number,
    write: () => void,
    signal: AbortSignal | undefined,
    timeoutMs?: number,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error) => {
        timer?.cancel();
        leaveLine();
        this.#waiting.delete(waiter);
        signal?.removeEventListener("abort", onAbort);
        if (error) reject(error);
        else resolve();
      };
      const waiter: Waiter = { to: route.to, fail: settle };
      this.#waiting.add(waiter);
      const onAbort = () => settle(aborted(route, signal));
      const way = this.world.way(this.node, { id: route.to }, route.channel);
      const leaveLine = way.whenRoom(sizeBytes, () => {
        write();
        settle();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
      const timer =
        timeoutMs === undefined
          ? undefined
          : this.world.clock.setTimer(timeoutMs, () => settle(timedOut(route, timeoutMs)));
    });
  }

  #awaitReply(
    route: Route,
    id: number,
    signal: AbortSignal | undefined,
    deadline: number,
  ): Promise<Reply | Error> {
    const target = this.node.membership.member(route.to) as Member;
    return new Promise((resolve) => {
      const settle = (reply: Reply | Error) => {
        if (!this.#pending.delete(id)) return;
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
        resolve(reply);
      };
      const giveUp = (reason: "deadline-exceeded" | "aborted") => {
        settle(unknown(route.to, reason));
        this.#cancelAt(target, route.channel, id);
      };
      const onAbort = () => giveUp("aborted");
      signal?.addEventListener("abort", onAbort, { once: true });
      const leftMs = deadline - this.world.clock.now();
      const timer = this.world.clock.setTimer(leftMs, () => giveUp("deadline-exceeded"));
      this.#pending.set(id, { target, settle });
    });
  }

  #cancelAt(target: Member, channel: string, id: number): void {
    const peer = this.#peer(target);
    if (!peer) return;
    const key = `${this.node.boot}:${id}`;
    this.world.carry(this.node, peer, channel, 0, () => peer.messenger.#serving.get(key)?.abort());
  }

  #carry(
    route: Route,
    bytes: Uint8Array,
    trace: TraceContext | undefined,
    request?: Envelope["request"],
  ): void {
    if (!this.node.running) return;
    this.world.count(route.subject);
    const target = this.node.membership.member(route.to);
    const peer = target && this.#peer(target);
    // Nobody there any more, and membership does not know yet: it was written and is lost.
    if (!peer) return;
    const envelope: Envelope = { route, bytes, trace, request };
    this.world.carry(this.node, peer, route.channel, bytes.length, () =>
      peer.messenger.#arrive(this.node, envelope),
    );
  }

  #peer(member: Member): MemoryNode | undefined {
    const peer = this.world.find(member.id);
    return peer?.boot === member.boot ? peer : undefined;
  }

  #arrive(from: MemoryNode, envelope: Envelope): void {
    const { route, request } = envelope;
    if (request && request.deadline <= this.world.clock.now()) return;
    const handler = this.handlers.get(route.subject);
    if (!handler) {
      if (request)
        this.#answer(from, envelope, failed(unknownSubject(route.subject, this.node.id)));
      return;
    }
    const key = request && `${from.boot}:${request.id}`;
    const controller = new AbortController();
    if (key) this.#serving.set(key, controller);
    const message: InboundMessage = {
      from: from.id,
      fromBoot: from.boot,
      channel: route.channel,
      subject: route.subject,
      payload: this.world.codec.decode(envelope.bytes),
      kind: request ? "request" : "message",
      deadline: request?.deadline,
      signal: controller.signal,
      trace: envelope.trace,
    };
    const result = outcomeOf(handler, message);
    if (!request) return void result.catch(() => {});
    void result
      .then((value): Reply => ({ ok: true, bytes: this.#encode(value) }))
      .catch(failed)
      .then((reply) => {
        if (key) this.#serving.delete(key);
        if (this.node.running) this.#answer(from, envelope, reply);
      });
  }

  #answer(to: MemoryNode, { route, request }: Envelope, reply: Reply): void {
    const id = request?.id ?? 0;
    const sizeBytes = reply.ok ? reply.bytes.length : 0;
    this.world.carry(this.node, to, route.channel, sizeBytes, () =>
      to.messenger.#pending.get(id)?.settle(reply),
    );
  }
}

/** Registers a handler under a subject that has none. */
export function handleOnce<Handler>(
  handlers: Map<string, Handler>,
  subject: string,
  handler: Handler,
): () => void {
  if (handlers.has(subject)) {
    throw coreErrors.ERR_INVALID_ARGUMENT(
      `The subject "${subject}" has a handler already: end that one first, or choose another subject`,
      { argument: "subject", expected: "a subject without a handler", found: subject },
    );
  }
  handlers.set(subject, handler);
  return () => {
    if (handlers.get(subject) === handler) handlers.delete(subject);
  };
}

/** Runs a handler in the call, so that handlers run in order of arrival; what it throws becomes a rejection. */
function outcomeOf(handler: MessageHandler, message: InboundMessage): Promise<unknown> {
  try {
    return Promise.resolve(runWithTrace(message.trace, () => handler(message)));
  } catch (error) {
    return Promise.reject(error);
  }
}

function failed(error: unknown): Reply {
  return { ok: false, error: toWireError(error) };
}
