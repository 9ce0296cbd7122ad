/**
 * OverlayMessenger: the Messenger port over links.
 *
 * The hot path (`trySend`, and `send` with room) looks up the link, encodes, and appends to the
 * batch of the turn: no promise, timer, closure or frame of its own.
 *
 * Invariants: a request is settled exactly once; it ends ERR_OUTCOME_UNKNOWN only if its frame was
 * handed to a connection, and with an error that allows a retry only if it was not.
 */
import {
  coreErrors,
  currentTrace,
  fromWireError,
  type Clock,
  type Codec,
  type MessageHandler,
  type Messenger,
  type NodeId,
  type RequestOptions,
  type Route,
  type SendOptions,
  type SendOutcome,
} from "@foundation/core";
import { LINK, RPC } from "../limits.js";
import { retract, type Position } from "../protocol/batch.js";
import { MessageType } from "../protocol/frame.js";
import { PendingRequests, type PendingRequest } from "../protocol/rpc.js";
import { DeadlineTimer } from "./deadline-timer.js";
import { SubjectHashes } from "./handlers.js";
import type { Inbound } from "./inbound.js";
import type { Link } from "./link.js";
import type { OverlayMetrics } from "./metrics.js";
import { encodePayload } from "./payload.js";
import type { Peer } from "./peer.js";
import type { World } from "./world.js";

/** Finds links; undefined: there is no such node. */
export interface LinkFinder {
  linkTo(to: NodeId, channel: string, key: string | undefined): Link | undefined;
}

const EMPTY = new Uint8Array(0);
const DONE: Promise<void> = Promise.resolve();
const NOT_APPENDED = Number.POSITIVE_INFINITY;

/** A request that waits for its reply. */
class Pending implements PendingRequest {
  id = 0;
  /** The frame it is part of, and where; NOT_APPENDED while it waits for room. */
  frame = NOT_APPENDED;
  slab: Uint8Array = EMPTY;
  at = 0;
  settled = false;
  onAbort: (() => void) | undefined;

  constructor(
    readonly link: Link,
    readonly to: NodeId,
    readonly subject: string,
    readonly deadline: number,
    readonly timeoutMs: number,
    readonly signal: AbortSignal | undefined,
    readonly resolve: (value: unknown) => void,
    readonly reject: (error: Error) => void,
  ) {}

  get wasWritten(): boolean {
    return this.frame < this.link.sentFrames;
  }

  keep(position: Position): void {
    this.frame = position.frame;
    this.slab = position.slab;
    this.at = position.at;
  }
}

export class OverlayMessenger implements Messenger {
  readonly self: NodeId;
  readonly #clock: Clock;
  readonly #codec: Codec;
  readonly #metrics: OverlayMetrics;
  readonly #inbound: Inbound;
  readonly #links: LinkFinder;
  readonly #hashes = new SubjectHashes();
  readonly #pending = new PendingRequests<Pending>(RPC.pendingMax);
  readonly #deadlines: DeadlineTimer;
  /** The link without a key that was used last: streams of messages go one way. */
  #lastLink: Link | undefined;
  #lastTo = "";
  #lastChannel = "";

  constructor(world: World, inbound: Inbound, links: LinkFinder) {
    this.self = world.self.id;
    this.#clock = world.clock;
    this.#codec = world.codec;
    this.#metrics = world.metrics;
    this.#inbound = inbound;
    this.#links = links;
    this.#deadlines = new DeadlineTimer(world.clock, (now) => this.#expire(now));
  }

  send(route: Route, payload: unknown, options?: SendOptions): Promise<void> {
    try {
      if (options?.signal?.aborted === true) throw aborted(route.to);
      const link = this.#linkOf(route);
      if (link === undefined) throw unreachable(route.to, "it is not a member of the cluster");
      const bytes = encodePayload(this.#codec, payload);
      const hash = this.#hashes.of(route.subject);
      const trace = options?.trace ?? currentTrace();
      if (link.hasRoom) {
        link.post(MessageType.message, 0, hash, 0, 0, trace, bytes);
        return DONE;
      }
      return waitForRoom(link, route.to, options?.signal, () => {
        link.post(MessageType.message, 0, hash, 0, 0, trace, bytes);
      });
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  trySend(route: Route, payload: unknown, options?: SendOptions): SendOutcome {
    const link = this.#linkOf(route);
    if (link === undefined) return "unreachable";
    if (link.isFull) return "full";
    const bytes = encodePayload(this.#codec, payload);
    const trace = options?.trace ?? currentTrace();
    link.post(MessageType.message, 0, this.#hashes.of(route.subject), 0, 0, trace, bytes);
    return "accepted";
  }

  request(route: Route, payload: unknown, options: RequestOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { signal, timeoutMs = RPC.timeoutMsDefault } = options;
      checkTimeout(timeoutMs);
      if (signal?.aborted === true) throw aborted(route.to);
      const link = this.#linkOf(route);
      if (link === undefined) throw unreachable(route.to, "it is not a member of the cluster");
      if (this.#pending.isFull) throw tooManyRequests();
      const bytes = encodePayload(this.#codec, payload);
      const hash = this.#hashes.of(route.subject);
      const now = this.#clock.now();
      const entry = new Pending(
        link,
        route.to,
        route.subject,
        now + timeoutMs,
        timeoutMs,
        signal,
        resolve,
        reject,
      );
      this.#pending.add(entry);
      this.#deadlines.arm(entry.deadline, now);
      if (signal !== undefined) this.#watch(entry, signal);
      const trace = options.trace ?? currentTrace();
      const append = () => {
        const leftMs = Math.max(1, Math.ceil(entry.deadline - this.#clock.now()));
        entry.keep(link.post(MessageType.request, 0, hash, entry.id, leftMs, trace, bytes));
      };
      if (link.hasRoom) append();
      else this.#appendLater(entry, append);
    });
  }

  handle(subject: string, handler: MessageHandler): () => void {
    return this.#inbound.handlers.add(subject, handler);
  }

  /** A reply came. */
  onReply(peer: Peer, requestId: number, payload: Uint8Array): void {
    const entry = this.#pending.take(requestId, peer.id);
    if (entry === undefined) return this.#metrics.dropped("late-reply");
    this.#settled(entry);
    try {
      entry.resolve(this.#codec.decode(payload));
    } catch (error) {
      entry.reject(error as Error);
    }
  }

  /** A request failed at the other side. */
  onFailure(peer: Peer, requestId: number, payload: Uint8Array): void {
    const entry = this.#pending.take(requestId, peer.id);
    if (entry === undefined) return this.#metrics.dropped("late-reply");
    this.#settled(entry);
    try {
      const error = fromWireError(this.#codec.decode(payload));
      const { to, subject } = entry;
      entry.reject(error.code === "ERR_UNKNOWN_SUBJECT" ? unknownSubject(subject, to) : error);
    } catch (error) {
      entry.reject(error as Error);
    }
  }

  /** The connection of a link has ended: what was handed to it may have run. */
  onBroken(link: Link): void {
    if (this.#pending.size === 0) return;
    for (const entry of this.#pending.takeWhere(
      (entry) => entry.link === link && entry.wasWritten,
    )) {
      this.#settled(entry);
      entry.reject(outcomeUnknown(entry, "connection-lost", "the connection to it was lost"));
    }
  }

  /** What was not written to a link is dropped: it cannot have run. */
  onDropping(link: Link): void {
    if (this.#pending.size === 0) return;
    for (const entry of this.#pending.takeWhere(
      (entry) => entry.link === link && !entry.wasWritten,
    )) {
      this.#settled(entry);
      entry.reject(unreachable(entry.to, "no connection to it could be made, nothing was written"));
    }
  }

  /** Ends every request. */
  close(): void {
    for (const entry of this.#pending.takeWhere(() => true)) {
      this.#settled(entry);
      const why = "this node has closed its overlay";
      entry.reject(
        entry.wasWritten
          ? outcomeUnknown(entry, "connection-lost", why)
          : unreachable(entry.to, why),
      );
    }
    this.#deadlines.close();
  }

  #linkOf(route: Route): Link | undefined {
    const { to, channel, key } = route;
    const last = this.#lastLink;
    // The caller's own strings are compared: the same object again costs one pointer each.
    if (key === undefined && to === this.#lastTo && channel === this.#lastChannel) {
      if (last?.isUp === true) return last;
    }
    const link = this.#links.linkTo(to, channel, key);
    if (key === undefined) {
      this.#lastLink = link;
      this.#lastTo = to;
      this.#lastChannel = channel;
    }
    return link;
  }

  #appendLater(entry: Pending, append: () => void): void {
    const { link } = entry;
    const ready = () => {
      if (!entry.settled) append();
    };
    // `dropping` rejects it when the link goes.
    if (link.canWait) return link.whenRoom({ ready, fail: () => {} });
    this.#pending.take(entry.id, entry.to);
    this.#settled(entry);
    entry.reject(waitersFull(link.channel));
  }

  #watch(entry: Pending, signal: AbortSignal): void {
    entry.onAbort = () => {
      if (this.#pending.take(entry.id, entry.to) === undefined) return;
      this.#settled(entry);
      const { wasWritten } = entry;
      this.#withdraw(entry);
      const unknown = () =>
        outcomeUnknown(entry, "aborted", "its caller aborted it after it was written");
      entry.reject(wasWritten ? unknown() : aborted(entry.to));
    };
    signal.addEventListener("abort", entry.onAbort, { once: true });
  }

  #expire(now: number): number | undefined {
    for (const entry of this.#pending.expire(now)) {
      this.#settled(entry);
      const { wasWritten, timeoutMs } = entry;
      this.#withdraw(entry);
      const why = `no reply came within ${timeoutMs} ms`;
      entry.reject(wasWritten ? outcomeUnknown(entry, "deadline-exceeded", why) : timedOut(entry));
    }
    return this.#pending.nextDeadline();
  }

  /**
   * Nobody waits any more: tells the other side, or takes the request back when it was not written.
   */
  #withdraw(entry: Pending): void {
    if (entry.wasWritten) {
      if (entry.link.isUp) entry.link.post(MessageType.cancel, 0, 0, entry.id, 0, undefined, EMPTY);
    } else if (entry.frame !== NOT_APPENDED) {
      retract(entry);
    }
  }

  #settled(entry: Pending): void {
    entry.settled = true;
    if (entry.onAbort !== undefined) entry.signal?.removeEventListener("abort", entry.onAbort);
  }
}

function waitForRoom(
  link: Link,
  to: NodeId,
  signal: AbortSignal | undefined,
  append: () => void,
): Promise<void> {
  if (!link.canWait) return Promise.reject(waitersFull(link.channel));
  return new Promise((resolve, reject) => {
    let done = false;
    const finish = (act: () => void) => {
      if (done) return;
      done = true;
      signal?.removeEventListener("abort", onAbort);
      act();
    };
    const onAbort = () => finish(() => reject(aborted(to)));
    signal?.addEventListener("abort", onAbort, { once: true });
    link.whenRoom({
      ready: () =>
        finish(() => {
          append();
          resolve();
        }),
      fail: () =>
        finish(() => reject(unreachable(to, "its connection went before there was room"))),
    });
  });
}

function checkTimeout(timeoutMs: number): void {
  if (timeoutMs > 0 && timeoutMs <= RPC.timeoutMsMax) return;
  const expected = `a number of milliseconds above 0 and up to ${RPC.timeoutMsMax}`;
  throw coreErrors.ERR_INVALID_ARGUMENT(`timeoutMs must be ${expected}, found ${timeoutMs}`, {
    argument: "timeoutMs",
    expected,
    found: String(timeoutMs),
  });
}

export function unreachable(node: NodeId, reason: string): Error {
  return coreErrors.ERR_NODE_UNREACHABLE(`Node ${node} cannot be reached: ${reason}`, {
    node,
    reason,
  });
}

function aborted(target: NodeId): Error {
  return coreErrors.ERR_ABORTED(`A message to node ${target} was aborted before it was written`, {
    target,
  });
}

function timedOut({ to, subject, timeoutMs }: Pending): Error {
  return coreErrors.ERR_TIMEOUT(
    `Request "${subject}" to node ${to} could not be written within ${timeoutMs} ms; it did not run`,
    { timeoutMs, target: to },
  );
}

function outcomeUnknown(
  { to, subject }: Pending,
  reason: "connection-lost" | "deadline-exceeded" | "aborted",
  why: string,
): Error {
  return coreErrors.ERR_OUTCOME_UNKNOWN(
    `Request "${subject}" to node ${to} may or may not have run: ${why}`,
    { reason, target: to },
  );
}

function unknownSubject(subject: string, node: NodeId): Error {
  return coreErrors.ERR_UNKNOWN_SUBJECT(`Node ${node} has no handler for subject "${subject}"`, {
    subject,
    node,
  });
}

function tooManyRequests(): Error {
  return coreErrors.ERR_QUEUE_FULL(
    `${RPC.pendingMax} requests of this node wait for replies already: send more slowly`,
    { queue: "pending requests", limit: RPC.pendingMax, unit: "messages" },
  );
}

function waitersFull(channel: string): Error {
  return coreErrors.ERR_QUEUE_FULL(
    `${LINK.waitersMax} sends wait for room on channel "${channel}" already: await send before sending more`,
    { queue: `channel ${channel}`, limit: LINK.waitersMax, unit: "messages" },
  );
}
