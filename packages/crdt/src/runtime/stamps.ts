/**
 * Stamps: the stamps of one node's writes, over all its maps.
 *
 * One hybrid clock a node, as the paper has it, and not one a map: a map that is closed and opened
 * again would begin anew and give the stamps of its past to other writes, within the same
 * millisecond or after the wall clock was set back.
 */
import { HybridLogicalClock } from "@foundation/core";
import type { Clock, HybridTimestamp, Membership } from "@foundation/core";
import type { LwwStamp } from "../protocol/lww-map.js";

/** A node is known by its membership, which lives as long as its start does. */
const clocks = new WeakMap<Membership, HybridLogicalClock>();

export class Stamps {
  readonly #membership: Membership;
  readonly #clock: Clock;
  readonly #hybrid: HybridLogicalClock;

  constructor(membership: Membership, clock: Clock) {
    this.#membership = membership;
    this.#clock = clock;
    this.#hybrid = clocks.get(membership) ?? new HybridLogicalClock();
    clocks.set(membership, this.#hybrid);
  }

  /** Greater than every stamp this start gave or observed. */
  next(): LwwStamp {
    const { id: node, boot } = this.#membership.self;
    return { ...this.#hybrid.tick(this.#clock.wallNow()), node, boot };
  }

  observe({ wallMs, counter }: HybridTimestamp): void {
    this.#hybrid.receive({ wallMs, counter }, this.#clock.wallNow());
  }
}
