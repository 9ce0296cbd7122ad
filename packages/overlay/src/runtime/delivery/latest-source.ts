/**
 * LatestSource: what waits on one lane of a monotonic channel, and its way into the link.
 *
 * The link asks for more when nothing else waits and it may write; so a value stays here, where a
 * newer one can replace it, until the moment it leaves.
 */
import type { TraceContext } from "@foundation/core";
import { LatestQueue } from "../../protocol/delivery/latest.js";
import { LATEST } from "../../protocol/delivery/limits.js";
import { MessageType } from "../../protocol/frame.js";
import type { Link } from "../link.js";
import type { BulkSource } from "../bulk-sources.js";
import { LinkWaiters, type Waiter } from "../link-waiters.js";
import type { OverlayMetrics } from "../metrics.js";

interface Value {
  readonly type: typeof MessageType.message | typeof MessageType.gossip;
  readonly flags: number;
  readonly hash: number;
  readonly trace: TraceContext | undefined;
  readonly payload: Uint8Array;
}

export class LatestSource implements BulkSource {
  readonly #link: Link;
  readonly #metrics: OverlayMetrics;
  readonly #queue = new LatestQueue<Value>();
  readonly #waiters = new LinkWaiters();

  constructor(link: Link, metrics: OverlayMetrics) {
    this.#link = link;
    this.#metrics = metrics;
  }

  get hasPending(): boolean {
    return this.#queue.size > 0 || !this.#waiters.isEmpty;
  }

  get sizeBytes(): number {
    return this.#queue.sizeBytes;
  }

  get canWait(): boolean {
    return this.#waiters.canTake;
  }

  /** False: too many keys wait, and this is another one. */
  offer(
    key: string,
    flags: number,
    hash: number,
    trace: TraceContext | undefined,
    payload: Uint8Array,
  ): boolean {
    return this.#offer(key, { type: MessageType.message, flags, hash, trace, payload });
  }

  /** The same of a broadcast, as it is written on every link. */
  offerCopy(key: string, payload: Uint8Array): boolean {
    return this.#offer(key, {
      type: MessageType.gossip,
      flags: 0,
      hash: 0,
      trace: undefined,
      payload,
    });
  }

  #offer(key: string, value: Value): boolean {
    const outcome = this.#queue.offer(key, value, value.payload.length);
    if (outcome === "full") return false;
    if (outcome === "replaced") this.#metrics.dropped("stale");
    else this.#link.wake(this);
    return true;
  }

  /** Calls `waiter.ready` when there is room for another key. */
  whenRoom(waiter: Waiter): void {
    this.#waiters.add(waiter);
  }

  pull(): boolean {
    const link = this.#link;
    let postedBytes = 0;
    while (postedBytes < LATEST.burstBytes) {
      const value = this.#queue.take();
      if (value === undefined) break;
      const { type, flags, hash, trace, payload } = value;
      // A broadcast was compressed for all members, or does not get smaller.
      if (type === MessageType.message) link.post(type, flags, hash, 0, 0, trace, payload);
      else link.postAsIs(type, flags, hash, 0, 0, trace, payload);
      postedBytes += payload.length + 1;
    }
    while (!this.#waiters.isEmpty && this.#queue.hasRoomFor("")) this.#waiters.serve();
    return postedBytes > 0;
  }

  /** The link has ended: nothing of it is delivered any more. */
  end(): void {
    const dropped = this.#queue.clear();
    if (dropped > 0) this.#metrics.dropped("link-not-opened", dropped);
    this.#waiters.fail();
  }
}

/** The source of a link, made when it is first used. */
export function latestOf(link: Link, metrics: OverlayMetrics): LatestSource {
  link.latest ??= new LatestSource(link, metrics);
  return link.latest;
}
