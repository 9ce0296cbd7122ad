/**
 * Graves: when a deletion may be forgotten.
 *
 * A tombstone protects against an older write that is still on its way or kept by a node that is
 * away. The rule, for each replica on its own: a tombstone is dropped when
 *   1. it is older than `tombstoneMs` (its age travels with it, so clocks need not agree), and
 *   2. every node that takes part in the map and is a member, or has been down (not left) for less
 *      than `tombstoneMs`, was seen to have all we have at a moment after we got it.
 * When (1) holds the tombstone is *ripe*: no longer counted in the digests, not spread to whoever
 * has nothing under the key, refused when offered; but it still beats an older write, and says so.
 * So replicas may drop at different times without sending the tombstone to and fro.
 *
 * What this does not cover: a node cut off for longer than `tombstoneMs` that never left may bring
 * back what was deleted meanwhile.
 */
import type { NodeId } from "@foundation/core";
import type { BucketTable } from "./bucket-table.js";

export class Graves {
  readonly #tombstoneMs: number;
  /** When a participant last had everything we had. Being in here is taking part. */
  readonly #agreedAtMs = new Map<NodeId, number>();
  readonly #downSinceMs = new Map<NodeId, number>();
  readonly #members = new Set<NodeId>();

  constructor(tombstoneMs: number) {
    this.#tombstoneMs = tombstoneMs;
  }

  isRipe(deletedAtMs: number, now: number): boolean {
    return now - deletedAtMs >= this.#tombstoneMs;
  }

  /** The peer has this map. A late word of a node that is gone does not count. */
  heardFrom(id: NodeId): void {
    if (this.#members.has(id) && !this.#agreedAtMs.has(id))
      this.#agreedAtMs.set(id, Number.NEGATIVE_INFINITY);
  }

  agreed(id: NodeId, now: number): void {
    if (this.#members.has(id)) this.#agreedAtMs.set(id, now);
  }

  up(id: NodeId): void {
    this.#members.add(id);
    this.#downSinceMs.delete(id);
  }

  down(id: NodeId, now: number): void {
    this.#members.delete(id);
    if (this.#agreedAtMs.has(id)) this.#downSinceMs.set(id, now);
  }

  left(id: NodeId): void {
    this.#members.delete(id);
    this.#agreedAtMs.delete(id);
    this.#downSinceMs.delete(id);
  }

  /** The latest moment whose state everybody who takes part was seen to have. */
  everybodyHasUntilMs(now: number): number {
    for (const [id, since] of this.#downSinceMs) {
      if (now - since < this.#tombstoneMs) continue;
      this.#agreedAtMs.delete(id);
      this.#downSinceMs.delete(id);
    }
    let everybodyHasUntilMs = Number.POSITIVE_INFINITY;
    for (const at of this.#agreedAtMs.values()) {
      everybodyHasUntilMs = Math.min(everybodyHasUntilMs, at);
    }
    return everybodyHasUntilMs;
  }

  /** Ripens and drops what the rule allows. */
  sweep<V, S>(table: BucketTable<V, S>, now: number): void {
    const everybodyHasUntilMs = this.everybodyHasUntilMs(now);
    for (const item of table.tombstones.values()) {
      if (!this.isRipe(item.deletedAtMs, now)) continue;
      table.ripen(item);
      // What came in the very millisecond of an agreement may have come after it.
      if (item.heldSinceMs < everybodyHasUntilMs) table.remove(item);
    }
  }
}
