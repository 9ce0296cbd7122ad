/**
 * HandingOver: gives broadcasts to their handlers, in the order in which they are given to it.
 *
 * Invariants: a message is handed over while its origin is a member, and not before or after; a handler
 * that is slow or fails holds up nobody: while it is busy, a copy counts as not read by the link it came
 * on, and of those that came by way of neighbours BROADCAST.handlingMax may be under way.
 */
import { runWithTrace, type Boot, type NodeId } from "@foundation/core";
import { BROADCAST } from "../../limits.js";
import type { PlumtreeEffect } from "../../protocol/plumtree/effects.js";
import type { Handlers } from "../handlers.js";
import { isPromise } from "../inbound-call.js";
import type { Link } from "../link.js";
import type { World } from "../world.js";
import { EarlyBroadcasts } from "./early-broadcasts.js";
import type { LatestOrder } from "./latest-order.js";
import { RelayedMessage, unseal, valueOf, type Envelope } from "./relayed-message.js";

export type Delivery = PlumtreeEffect<Uint8Array> & { readonly type: "deliver" };

/** A copy, and the link that it came on. */
export interface Carried {
  readonly payload: Uint8Array;
  readonly link: Link;
}

export class HandingOver {
  readonly #world: World;
  readonly #bootOf: (id: NodeId) => Boot | undefined;
  readonly #handlers: Handlers;
  readonly #early: EarlyBroadcasts;
  #handling = 0;
  #closed = false;

  constructor(world: World, bootOf: (id: NodeId) => Boot | undefined, handlers: Handlers) {
    this.#world = world;
    this.#bootOf = bootOf;
    this.#handlers = handlers;
    this.#early = new EarlyBroadcasts(world.clock, (count) =>
      world.metrics.dropped("no-member", count),
    );
  }

  /** That start of a node is a member from now on: what came of it before is handed over. */
  joined(origin: NodeId, boot: Boot): void {
    // After everybody who listens to membership was told.
    this.#world.clock.endOfTurn(() => {
      if (!this.#closed) this.#early.joined(origin, boot);
    });
  }

  close(): void {
    this.#closed = true;
    this.#early.close();
  }

  /** @param carried the copy that just came, if one did */
  message(channel: string, latest: LatestOrder, delivery: Delivery, carried?: Carried): void {
    const { origin, boot, seq, payload } = delivery;
    if (this.#bootOf(origin) !== boot || this.#early.has(origin, boot)) {
      const later = () => this.#message(channel, latest, delivery, undefined);
      return this.#early.hold(origin, boot, payload.length, later);
    }
    this.#message(channel, latest, { origin, boot, seq, payload }, carried);
  }

  /** A copy on a channel that keeps only newest values. `after`: so many messages of the tree. */
  newest(channel: string, latest: LatestOrder, after: number, carried: Carried): void {
    const { id: origin, boot } = carried.link.peer;
    const envelope = unseal(carried.payload);
    if (envelope === undefined) return this.#world.metrics.dropped("not-decodable");
    if (!latest.isNewCopy(origin, boot, envelope.hash, after)) {
      return this.#world.metrics.dropped("stale");
    }
    this.#call(channel, origin, boot, envelope, carried);
  }

  #message(
    channel: string,
    latest: LatestOrder,
    { origin, boot, seq, payload }: Pick<Delivery, "origin" | "boot" | "seq" | "payload">,
    carried: Carried | undefined,
  ): void {
    const envelope = unseal(payload);
    if (envelope === undefined) return this.#world.metrics.dropped("not-decodable");
    if (envelope.isLatest && !latest.isNewMessage(origin, boot, envelope.hash, seq)) {
      return this.#world.metrics.dropped("stale");
    }
    this.#call(channel, origin, boot, envelope, carried?.payload === payload ? carried : undefined);
  }

  #call(
    channel: string,
    origin: NodeId,
    boot: Boot,
    { hash, trace, payload }: Envelope,
    carried: Carried | undefined,
  ): void {
    const { metrics, codec } = this.#world;
    const entry = this.#handlers.get(hash);
    if (entry === undefined) return metrics.dropped("no-handler");
    const isFull = carried === undefined && this.#handling >= BROADCAST.handlingMax;
    if (isFull) return metrics.dropped("busy");
    const decoded = valueOf(codec, payload);
    if (decoded === undefined) return metrics.dropped("not-decodable");
    const message = new RelayedMessage(origin, boot, channel, entry.subject, decoded.value, trace);
    try {
      const result: unknown =
        trace === undefined
          ? entry.handle(message)
          : runWithTrace(trace, () => entry.handle(message));
      if (isPromise(result)) this.#await(result, carried);
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  #await(result: PromiseLike<unknown>, carried: Carried | undefined): void {
    const done = carried === undefined ? this.#begin() : carried.link.hold(carried.payload.length);
    result.then(done, (thrown: unknown) => {
      done();
      this.#failed(thrown);
    });
  }

  #begin(): () => void {
    this.#handling += 1;
    return () => {
      this.#handling -= 1;
    };
  }

  #failed(thrown: unknown): void {
    this.#world.metrics.handlerFailures.add();
    this.#world.logger.error("a broadcast handler failed", {
      error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    });
  }
}
