/**
 * AckedSends: what this node sends on acked channels, from the call to the answer of the target's
 * handler.
 *
 * Invariants: a send is settled exactly once; it ends ERR_NODE_UNREACHABLE only if no copy of it was
 * handed to a connection, and ERR_OUTCOME_UNKNOWN only if one was; a repetition is written only to
 * the same start of the node, where the inbox knows the first copy.
 */
import {
  type Clock,
  type Codec,
  type NodeId,
  type Random,
  type TraceContext,
} from "@foundation/core";
import { NOWHERE, retract, type OpenFrame } from "../../protocol/batch.js";
import { AckedOutbox, type AckedEntry } from "../../protocol/delivery/acked-outbox.js";
import { ACKED_OUT } from "../../protocol/delivery/limits.js";
import { Flag, MessageType } from "../../protocol/frame.js";
import { DeadlineTimer } from "../deadline-timer.js";
import type { Link } from "../link.js";
import {
  aborted,
  decodeError,
  outcomeUnknown,
  tooManyRequests,
  unreachable,
} from "../messenger-errors.js";
import type { OverlayMetrics } from "../metrics.js";
import type { Peer } from "../peer.js";
import type { World } from "../world.js";

const NOT_APPENDED = Number.POSITIVE_INFINITY;

/** What is told when a send has ended; nobody listens to those of `trySend`. */
export interface AckedEnd {
  resolve(): void;
  reject(error: Error): void;
}

/** One message, until it is answered. */
export class AckedSend implements AckedEntry {
  id = 0;
  retries = 0;
  dueAt = 0;
  settled = false;
  onAbort: (() => void) | undefined;
  /** The frame of the first copy, and where in it. */
  frame = NOT_APPENDED;
  within: OpenFrame = NOWHERE;
  at = 0;

  constructor(
    readonly link: Link,
    readonly to: NodeId,
    readonly subject: string,
    readonly hash: number,
    readonly trace: TraceContext | undefined,
    readonly payload: Uint8Array,
    readonly signal: AbortSignal | undefined,
    readonly end: AckedEnd | undefined,
  ) {}

  get wasWritten(): boolean {
    return this.frame < this.link.sentFrames;
  }
}

export class AckedSends {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #codec: Codec;
  readonly #metrics: OverlayMetrics;
  readonly #outbox = new AckedOutbox<AckedSend>();
  readonly #timer: DeadlineTimer;

  constructor(world: World) {
    this.#clock = world.clock;
    this.#random = world.random.fork("acked");
    this.#codec = world.codec;
    this.#metrics = world.metrics;
    this.#timer = new DeadlineTimer(world.clock, (now) => this.#look(now));
  }

  get isFull(): boolean {
    return this.#outbox.isFull;
  }

  /** Writes a message now; the caller has looked for room in the link. */
  post(entry: AckedSend): void {
    // It may have waited for room in its link while others took the last places here.
    if (this.#outbox.isFull) return this.#fail(entry, tooManyRequests());
    const now = this.#clock.now();
    this.#outbox.add(entry, now, this.#random.next());
    this.#timer.arm(Math.max(entry.dueAt, now + ACKED_OUT.granularityMs), now);
    const { frame, within, at } = this.#write(entry);
    entry.frame = frame;
    entry.within = within;
    entry.at = at;
    if (entry.signal === undefined) return;
    entry.onAbort = () => this.#onAbort(entry);
    entry.signal.addEventListener("abort", entry.onAbort, { once: true });
  }

  /** The handler has finished. */
  onReply(peer: Peer, id: number): void {
    const entry = this.#outbox.answered(id, peer.id);
    if (entry === undefined) return this.#metrics.dropped("late-reply");
    this.#settle(entry);
    entry.end?.resolve();
  }

  /** The handler has failed, or there is none. */
  onFailure(peer: Peer, id: number, payload: Uint8Array): void {
    const entry = this.#outbox.answered(id, peer.id);
    if (entry === undefined) return this.#metrics.dropped("late-reply");
    this.#fail(entry, decodeError(this.#codec, payload, entry));
  }

  /** What was not written to a link is dropped: it cannot have run. */
  onDropping(link: Link): void {
    if (this.#outbox.size === 0) return;
    for (const entry of this.#outbox.takeWhere((one) => one.link === link && !one.wasWritten)) {
      if (entry.frame !== NOT_APPENDED) retract(entry);
      const why = "no connection to it could be made, nothing was written";
      this.#fail(entry, unreachable(entry.to, why));
    }
  }

  /** A link has ended for good: its peer is gone, or another start of it has come. */
  onEnded(link: Link): void {
    if (this.#outbox.size === 0) return;
    for (const entry of this.#outbox.takeWhere((one) => one.link === link)) {
      this.#fail(entry, this.#ended(entry, "its node has gone before it answered"));
    }
  }

  close(): void {
    for (const entry of this.#outbox.takeWhere(() => true)) {
      this.#fail(entry, this.#ended(entry, "this node has closed its overlay"));
    }
    this.#timer.close();
  }

  #write({ link, hash, id, trace, payload }: AckedSend) {
    return link.post(MessageType.request, Flag.acked, hash, id, 0, trace, payload);
  }

  #look(now: number): number | undefined {
    const { repeat, givenUp } = this.#outbox.due(now, () => this.#random.next());
    for (const entry of repeat) {
      // What is behind will arrive after the first copy at the earliest: it would only be in the way.
      if (!entry.link.isUp || !entry.link.hasRoom) continue;
      this.#write(entry);
      this.#metrics.ackedRepeats.add();
    }
    for (const entry of givenUp) {
      this.#fail(entry, this.#unknown(entry, `it was not answered after ${entry.retries} repeats`));
    }
    const next = this.#outbox.nextDue();
    return next === undefined ? undefined : Math.max(next, now + ACKED_OUT.granularityMs);
  }

  #onAbort(entry: AckedSend): void {
    if (this.#outbox.answered(entry.id, entry.to) === undefined) return;
    if (entry.wasWritten) {
      const { to, subject } = entry;
      const why = "its sender aborted it after it was written";
      return this.#fail(entry, outcomeUnknown({ to, subject, timeoutMs: 0 }, "aborted", why));
    }
    retract(entry);
    this.#fail(entry, aborted(entry.to));
  }

  #ended(entry: AckedSend, why: string): Error {
    if (entry.wasWritten) return this.#unknown(entry, why);
    // Its lane may be kept for a peer that returns: what was told not to have been sent shall not leave then.
    if (entry.frame !== NOT_APPENDED) retract(entry);
    return unreachable(entry.to, why);
  }

  #unknown({ to, subject }: AckedSend, why: string): Error {
    return outcomeUnknown({ to, subject, timeoutMs: 0 }, "connection-lost", why);
  }

  #fail(entry: AckedSend, error: Error): void {
    this.#settle(entry);
    if (entry.end === undefined) this.#metrics.dropped("not-acked");
    else entry.end.reject(error);
  }

  #settle(entry: AckedSend): void {
    entry.settled = true;
    if (entry.onAbort !== undefined) entry.signal?.removeEventListener("abort", entry.onAbort);
  }
}
