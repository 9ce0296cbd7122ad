/**
 * Sends: messages on channels that promise more than order, or do something else than wait when
 * they are full. The plain path is the messenger's own and does not come here.
 *
 * Overflow, when the link has no room:
 *
 * | policy      | `send`                                       | `trySend`                      |
 * |-------------|----------------------------------------------|--------------------------------|
 * | block       | waits                                        | "full"                         |
 * | error       | ERR_QUEUE_FULL                               | "full"                         |
 * | drop-newest | resolves, the message is dropped             | "full"                         |
 * | drop-oldest | the oldest unsent messages are dropped       | the same, then "accepted"      |
 *
 * Invariants: what is refused or dropped is not queued; whatever is refused or dropped is counted,
 * by channel and policy; a monotonic channel refuses nothing but a further key, and then waits; an acked send that
 * would be dropped is refused instead, since its sender waits for an answer.
 */
import {
  currentTrace,
  type Codec,
  type NodeId,
  type Route,
  type SendOptions,
  type SendOutcome,
  type TraceContext,
} from "@foundation/core";
import { MessageType } from "../../protocol/frame.js";
import type { SubjectHashes } from "../handlers.js";
import type { Link } from "../link.js";
import { tooManyRequests } from "../messenger-errors.js";
import type { OverlayMetrics } from "../metrics.js";
import type { World } from "../world.js";
import { AckedSend, type AckedEnd, type AckedSends } from "./acked-sends.js";
import type { Fences } from "./fences.js";
import { latestOf } from "./latest-source.js";
import { makeRoom, queueFull, waitForRoom } from "./room.js";

const DONE: Promise<void> = Promise.resolve();

/** One message on its way to a lane. */
interface Outgoing {
  readonly link: Link;
  readonly to: NodeId;
  readonly subject: string;
  readonly hash: number;
  readonly trace: TraceContext | undefined;
  readonly payload: Uint8Array;
  readonly signal: AbortSignal | undefined;
  readonly hasFence: boolean;
}

export class Sends {
  readonly #codec: Codec;
  readonly #metrics: OverlayMetrics;
  readonly #hashes: SubjectHashes;
  readonly #acked: AckedSends;
  readonly #fences: Fences;

  constructor(world: World, hashes: SubjectHashes, acked: AckedSends, fences: Fences) {
    this.#codec = world.codec;
    this.#metrics = world.metrics;
    this.#hashes = hashes;
    this.#acked = acked;
    this.#fences = fences;
  }

  /** @throws {ERR_NOT_ENCODABLE} */
  send(link: Link, route: Route, value: unknown, options?: SendOptions): Promise<void> {
    const one = this.#outgoing(link, route, value, options);
    if (link.settings.monotonic) return this.#sendLatest(one, keyOf(route));
    if (link.settings.delivery !== "acked") return this.#admit(one, () => this.#post(one));
    return new Promise((resolve, reject) => {
      if (this.#acked.isFull) throw tooManyRequests();
      const entry = this.#entry(one, { resolve, reject });
      this.#admit(one, () => this.#postAcked(one, entry)).catch(reject);
    });
  }

  /** @throws {ERR_NOT_ENCODABLE} */
  trySend(link: Link, route: Route, value: unknown, options?: SendOptions): SendOutcome {
    const { monotonic, delivery } = link.settings;
    const isAcked = delivery === "acked";
    const one = this.#outgoing(link, route, value, options);
    if (monotonic) return this.#offer(one, keyOf(route)) ? "accepted" : this.#full(link);
    if (isAcked && this.#acked.isFull) return this.#full(link);
    if (!makeRoom(link, () => !link.isFull, this.#metrics)) return "full";
    if (isAcked) this.#postAcked(one, this.#entry(one, undefined));
    else this.#post(one);
    return "accepted";
  }

  /** A plain channel is full: the message is counted. */
  refused(link: Link): SendOutcome {
    return this.#full(link);
  }

  #outgoing(link: Link, route: Route, value: unknown, options?: SendOptions): Outgoing {
    return {
      link,
      to: route.to,
      subject: route.subject,
      hash: this.#hashes.of(route.subject),
      trace: options?.trace ?? currentTrace(),
      payload: this.#codec.encode(value),
      signal: options?.signal,
      hasFence: route.fence === true,
    };
  }

  #entry(one: Outgoing, end: AckedEnd | undefined): AckedSend {
    const { link, to, subject, hash, trace, payload, signal } = one;
    return new AckedSend(link, to, subject, hash, trace, payload, signal, end);
  }

  /** Posts now, later, or not at all: see the table above. */
  #admit({ link, to, payload, signal }: Outgoing, post: () => void): Promise<void> {
    const { channel, settings } = link;
    if (link.hasRoom) {
      post();
      return DONE;
    }
    const { overflow, delivery } = settings;
    if (overflow === "block") {
      return waitForRoom(link, { to, channel }, payload.length, signal, post);
    }
    if (makeRoom(link, () => link.hasRoom, this.#metrics)) {
      post();
      return DONE;
    }
    const isTold = overflow === "error" || delivery === "acked";
    return isTold ? Promise.reject(queueFull(channel, overflow)) : DONE;
  }

  #post({ link, hash, trace, payload, hasFence }: Outgoing): void {
    if (hasFence) this.#fences.raise(link);
    link.post(MessageType.message, 0, hash, 0, 0, trace, payload);
  }

  #postAcked({ link, hasFence }: Outgoing, entry: AckedSend): void {
    if (hasFence) this.#fences.raise(link);
    this.#acked.post(entry);
  }

  #sendLatest(one: Outgoing, key: string): Promise<void> {
    if (this.#offer(one, key)) return DONE;
    const { link, to, payload, signal } = one;
    const { channel, settings } = link;
    if (settings.overflow !== "block") {
      this.#full(link);
      return Promise.reject(queueFull(channel, settings.overflow));
    }
    const line = latestOf(link, this.#metrics);
    return waitForRoom(line, { to, channel }, payload.length, signal, () => this.#offer(one, key));
  }

  #offer({ link, hash, trace, payload }: Outgoing, key: string): boolean {
    return latestOf(link, this.#metrics).offer(key, 0, hash, trace, payload);
  }

  #full(link: Link): SendOutcome {
    this.#metrics.overflowed(link.channel, link.settings.overflow, 1);
    return "full";
  }
}

/** Messages of two subjects are two values, whatever their key. */
function keyOf({ subject, key }: Route): string {
  return key === undefined ? subject : `${subject}\n${key}`;
}
