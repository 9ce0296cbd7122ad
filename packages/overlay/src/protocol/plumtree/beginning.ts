/**
 * Beginning: with which of its messages a source begins that a node hears of for the first time.
 *
 * What was said before the node belonged to the others is not for it; what was said since is. A
 * settled node knows that it was there, and begins with what the source sent lately. A fresh one
 * cannot know: it begins so too, but waits before it asks for what is missing, until a settled
 * neighbour tells it where the source was, or until nobody is likely to know better.
 */
import type { PlumtreeTimes } from "./limits.js";

export class Beginning {
  readonly #times: PlumtreeTimes;
  #firstLinkAt: number;
  #settledAt: number;

  /** @param firstLinkAt when the node, not this group of it, had its first link; Infinity: not yet */
  constructor(times: PlumtreeTimes, firstLinkAt: number) {
    this.#times = times;
    this.#firstLinkAt = firstLinkAt;
    this.#settledAt = firstLinkAt + times.settleMs;
  }

  /** A link is up. */
  linked(now: number): void {
    if (this.#firstLinkAt !== Number.POSITIVE_INFINITY) return;
    this.#firstLinkAt = now;
    this.#settledAt = now + this.#times.settleMs;
  }

  /** A settled neighbour has told where the sources are. */
  settle(): void {
    this.#settledAt = Number.NEGATIVE_INFINITY;
  }

  /** True while this node does not know where sources are. */
  isFresh(now: number): boolean {
    return now < this.#settledAt;
  }

  /** Until when this node does not know where sources are, unless somebody tells it. */
  get settledAt(): number {
    return this.#settledAt;
  }

  /** True while others may keep what was said before this node came. */
  isYoung(now: number): boolean {
    return now < this.#firstLinkAt + this.#times.cacheMs;
  }
}
