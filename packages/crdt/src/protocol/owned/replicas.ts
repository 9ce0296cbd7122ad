/**
 * Replicas: this node's copies of the others' shards, and which of them are hidden.
 *
 * The shard of a node that is down is hidden, not dropped: a node that comes back need not tell again
 * what it said before. It is kept for as long as a deletion is, and of too many the one hidden
 * longest goes.
 *
 * Invariant: hidden ones stand in the order in which they were hidden.
 */
import type { Boot, NodeId } from "@foundation/core";
import { Shard } from "./shard.js";

export interface Replica<V> {
  shard: Shard<V>;
  /** A whole shard on its way, which will replace `shard` when it is complete. */
  staging: Shard<V> | undefined;
  /** Monotonic time since when the owner is down; undefined while it is a member. */
  hiddenSinceMs: number | undefined;
  /** Until when an unanswered pull keeps further ones back. */
  pullingUntilMs: number;
  /** Where the owner stood when it first spoke to us itself. */
  firstTold: number | undefined;
}

export class Replicas<V> {
  readonly #byOwner = new Map<NodeId, Replica<V>>();
  readonly #hiddenMax: number;
  #hidden = 0;

  constructor(hiddenMax: number) {
    this.#hiddenMax = hiddenMax;
  }

  /** Hidden ones included. */
  get size(): number {
    return this.#byOwner.size;
  }

  /** Also a hidden one. */
  get(owner: NodeId): Replica<V> | undefined {
    return this.#byOwner.get(owner);
  }

  visible(owner: NodeId): Replica<V> | undefined {
    const replica = this.#byOwner.get(owner);
    return replica?.hiddenSinceMs === undefined ? replica : undefined;
  }

  *allVisible(): Generator<Replica<V>> {
    for (const replica of this.#byOwner.values()) {
      if (replica.hiddenSinceMs === undefined) yield replica;
    }
  }

  /** An empty one, of an owner that has none. */
  make(owner: NodeId, boot: Boot): Replica<V> {
    const made: Replica<V> = {
      firstTold: undefined,
      shard: new Shard<V>(owner, boot),
      staging: undefined,
      hiddenSinceMs: undefined,
      pullingUntilMs: 0,
    };
    this.#byOwner.set(owner, made);
    return made;
  }

  hide(owner: NodeId, replica: Replica<V>, now: number): void {
    replica.hiddenSinceMs = now;
    this.#byOwner.delete(owner);
    this.#byOwner.set(owner, replica);
    this.#hidden += 1;
    if (this.#hidden > this.#hiddenMax) this.#discardLongestHidden();
  }

  /** True when it was hidden: its owner is back, and may be asked at once. */
  unhide(replica: Replica<V>): boolean {
    if (replica.hiddenSinceMs === undefined) return false;
    replica.hiddenSinceMs = undefined;
    replica.pullingUntilMs = 0;
    this.#hidden -= 1;
    return true;
  }

  discard(owner: NodeId): void {
    const replica = this.#byOwner.get(owner);
    if (replica?.hiddenSinceMs !== undefined) this.#hidden -= 1;
    this.#byOwner.delete(owner);
  }

  discardHiddenSince(sinceMs: number): void {
    for (const [owner, { hiddenSinceMs }] of this.#byOwner) {
      if (hiddenSinceMs !== undefined && hiddenSinceMs <= sinceMs) this.discard(owner);
    }
  }

  /** True when nothing of any owner has arrived. */
  areBlank(): boolean {
    for (const { shard, staging } of this.#byOwner.values()) {
      if (shard.sequence > 0 || staging !== undefined) return false;
    }
    return true;
  }

  #discardLongestHidden(): void {
    for (const [owner, { hiddenSinceMs }] of this.#byOwner) {
      if (hiddenSinceMs === undefined) continue;
      this.discard(owner);
      return;
    }
  }
}
