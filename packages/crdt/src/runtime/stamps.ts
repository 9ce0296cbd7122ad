/**
 * Stamps: the stamps of one node's writes, over all its maps.
 *
 * One hybrid clock a node, as the paper has it, and not one a map: a map that is closed and opened
 * again would begin anew and give the stamps of its past to other writes, within the same
 * millisecond or after the wall clock was set back.
 */
import { HybridLogicalClock } from "@foundation/core";
import type { Clock, HybridTimestamp, Membership } from "@foundation/core";

/** A node is known by its membership, which lives as long as its start does. */
const clocks = new WeakMap<Membership, HybridLogicalClock>();

export class Stamps {
  readonly #clock: Clock;
  readonly #hybrid: HybridLogicalClock;

  constructor(membership: Membership, clock: Clock) {
    this.#clock = clock;
    this.#hybrid = clocks.get(membership) ?? new HybridLogicalClock();
    clocks.set(membership, this.#hybrid);
  }

  /** Greater than every stamp this start gave or observed. */
  next(): HybridTimestamp {
    return this.#hybrid.tick(this.#clock.wallNow());
  }

  observe({ wallMs, counter }: HybridTimestamp): void {
    this.#hybrid.receive({ wallMs, counter }, this.#clock.wallNow());
  }
}
