/**
 * Crumbs: the way back of the shuffles that came by.
 *
 * The paper's node answers a shuffle over a connection of its own to whoever began it. A link here
 * is an authenticated one, which would cost more than the shuffle; so the reply goes back along the
 * walk, and each node on it remembers for a few seconds whom it had the shuffle from. A walk that
 * came by twice is cut short: the first crumb of an origin stays.
 *
 * Invariant: ordered by age; at most as many as the limit, beyond which the oldest goes.
 */
import type { NodeId } from "@foundation/core";

interface Crumb {
  readonly origin: NodeId;
  readonly previous: NodeId;
  readonly untilMs: number;
}

export class Crumbs {
  readonly #crumbs: Crumb[] = [];
  readonly #sizeMax: number;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#crumbs.length;
  }

  /** A shuffle of `origin` came from `previous`. */
  lay(origin: NodeId, previous: NodeId, untilMs: number, now: number): void {
    this.#sweep(now);
    if (this.#crumbs.some((crumb) => crumb.origin === origin)) return;
    if (this.#crumbs.length >= this.#sizeMax) this.#crumbs.shift();
    this.#crumbs.push({ origin, previous, untilMs });
  }

  /** Whom the reply to `origin` goes to next. It is asked for once. */
  follow(origin: NodeId, now: number): NodeId | undefined {
    this.#sweep(now);
    const at = this.#crumbs.findIndex((crumb) => crumb.origin === origin);
    return at < 0 ? undefined : this.#crumbs.splice(at, 1)[0]?.previous;
  }

  #sweep(now: number): void {
    while (this.#crumbs[0] && this.#crumbs[0].untilMs <= now) this.#crumbs.shift();
  }
}
