/**
 * OutboundRequests: the requests of this node that wait for a reply, from the call to the error or
 * the value it ends with.
 *
 * Invariants: a request is settled exactly once; it ends ERR_OUTCOME_UNKNOWN only if its frame was
 * handed to a connection, and with an error that allows a retry only if it was not.
 */
import { type Clock, type Codec, type NodeId, type TraceContext } from "@foundation/core";
import { RPC } from "../limits.js";
import { NOWHERE, retract, type OpenFrame, type Position } from "../protocol/batch.js";
import { MessageType } from "../protocol/frame.js";
import { PendingRequests, type PendingRequest } from "../protocol/rpc.js";
import { DeadlineTimer } from "./deadline-timer.js";
import type { Link } from "./link.js";
import {
  aborted,
  decodeError,
  outcomeUnknown,
  timedOut,
  tooManyRequests,
  unreachable,
  waitersFull,
} from "./messenger-errors.js";
import type { OverlayMetrics } from "./metrics.js";
import type { Peer } from "./peer.js";
import type { World } from "./world.js";

const EMPTY = new Uint8Array(0);
const NOT_APPENDED = Number.POSITIVE_INFINITY;

/** A request that waits for its reply. */
export class Pending implements PendingRequest {
  id = 0;
  /** The frame it is part of, and where; NOT_APPENDED while it waits for room. */
  frame = NOT_APPENDED;
  within: OpenFrame = NOWHERE;
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
    this.within = position.within;
    this.at = position.at;
  }
}

export class OutboundRequests {
  readonly #clock: Clock;
  readonly #codec: Codec;
  readonly #metrics: OverlayMetrics;
  readonly #pending = new PendingRequests<Pending>(RPC.pendingMax);
  readonly #deadlines: DeadlineTimer;

  constructor(world: World) {
    this.#clock = world.clock;
    this.#codec = world.codec;
    this.#metrics = world.metrics;
    this.#deadlines = new DeadlineTimer(world.clock, (now) => this.#expire(now));
  }

  /**
   * Writes a request, or the opening of a stream, at once or when there is room.
   *
   * @param entry of a stream, its deadline may be Infinity
   * @param raise puts a fence directly before it
   * @throws {ERR_QUEUE_FULL} @throws {ERR_NOT_ENCODABLE}
   */
  add(
    type: typeof MessageType.request | typeof MessageType.stream,
    entry: Pending,
    now: number,
    hash: number,
    trace: TraceContext | undefined,
    value: unknown,
    raise?: (link: Link) => void,
  ): void {
    if (this.#pending.isFull) throw tooManyRequests();
    const { link, signal } = entry;
    this.#pending.add(entry);
    this.#deadlines.arm(entry.deadline, now);
    if (signal !== undefined) this.#watch(entry, signal);
    if (link.hasRoom && raise === undefined) {
      try {
        const leftMs = leftMsOf(entry, now);
        entry.keep(link.postValue(type, 0, hash, entry.id, leftMs, trace, value));
      } catch (error) {
        this.#forget(entry);
        throw error;
      }
      return;
    }
    const bytes = this.#encode(entry, value);
    const append = () => {
      const leftMs = leftMsOf(entry, this.#clock.now());
      raise?.(link);
      entry.keep(link.post(type, 0, hash, entry.id, leftMs, trace, bytes));
    };
    if (link.hasRoom) append();
    else this.#appendLater(entry, bytes.length, append);
  }

  /** A reply of the node is awaited. */
  isAwaiting(id: NodeId): boolean {
    return this.#pending.has((entry) => entry.to === id);
  }

  /** Ends it with an error of this side; the other side is told `why`, if it knows of it. */
  abandon(entry: Pending, error: Error, why: Uint8Array): void {
    if (this.#pending.take(entry.id, entry.to) === undefined) return;
    this.#settled(entry);
    this.#withdraw(entry, why);
    entry.reject(error);
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
    entry.reject(decodeError(this.#codec, payload, entry));
  }

  /** What was written to a link may have run, and no answer will come. */
  onLost(link: Link): void {
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
      // A lane that retains keeps its frames: this request shall not leave with them.
      if (entry.frame !== NOT_APPENDED) retract(entry);
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

  #encode(entry: Pending, value: unknown): Uint8Array {
    try {
      return this.#codec.encode(value);
    } catch (error) {
      this.#forget(entry);
      throw error;
    }
  }

  #forget(entry: Pending): void {
    this.#pending.take(entry.id, entry.to);
    this.#settled(entry);
  }

  #appendLater(entry: Pending, sizeBytes: number, append: () => void): void {
    const { link } = entry;
    const ready = () => {
      if (!entry.settled) append();
    };
    // `dropping` rejects it when the link goes.
    if (link.canWait) return link.whenRoom({ sizeBytes, ready, fail: () => {} });
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
  #withdraw(entry: Pending, why: Uint8Array = EMPTY): void {
    const { link } = entry;
    if (entry.wasWritten) {
      if (link.isUp || link.retains)
        link.post(MessageType.cancel, 0, 0, entry.id, 0, undefined, why);
    } else if (entry.frame !== NOT_APPENDED) {
      retract(entry);
    }
  }

  #settled(entry: Pending): void {
    entry.settled = true;
    if (entry.onAbort !== undefined) entry.signal?.removeEventListener("abort", entry.onAbort);
  }
}

/** What the header says: 0 where there is no deadline. */
function leftMsOf({ deadline }: Pending, now: number): number {
  return deadline === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(deadline - now));
}
