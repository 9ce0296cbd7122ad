/**
 * Ring: which nodes keep which bucket, under one view of the members.
 *
 * Consistent hashing of core, asked once a bucket. A view has a number, which every message carries, so that two nodes act
 * together only where they see the same members: the epoch that consensus committed, in quorum mode; otherwise a hash of
 * the members, `viewNumber`.
 *
 * Invariants: nodes with the same members answer the same; of two rings that differ in one member, a bucket that had or
 * has not that member among its owners has the same owners in both.
 */
import { hashRing } from "@foundation/core";
import type { Candidate, NodeId, Placement } from "@foundation/core";
import { BUCKETS } from "../limits.js";
import { invariant } from "./invariant.js";
import { hashOf } from "./key-hash.js";

/** More evenly than core's default: a bucket is a larger piece than a key. */
const VIRTUAL_NODES = 128;

export class Ring {
  readonly members: readonly NodeId[];
  readonly #candidates: readonly Candidate[];
  readonly #placement: Placement;
  readonly #owners: (readonly NodeId[] | undefined)[] = Array.from({ length: BUCKETS });

  constructor(
    readonly number: number,
    members: readonly NodeId[],
    readonly replicas: number,
    placement: Placement,
  ) {
    invariant(replicas >= 1, "a bucket has at least one owner");
    this.members = [...members].sort();
    this.#candidates = this.members.map((id) => ({ id }));
    this.#placement = placement;
  }

  /** At most `replicas` nodes, the primary first; none when there are no members. */
  owners(bucket: number): readonly NodeId[] {
    invariant(bucket >= 0 && bucket < BUCKETS, "a bucket has a number below their count");
    return (this.#owners[bucket] ??= this.#place(bucket, this.replicas));
  }

  primary(bucket: number): NodeId | undefined {
    return this.owners(bucket)[0];
  }

  /** Every member, beginning with the owners: where an entry may be. */
  order(bucket: number): readonly NodeId[] {
    return this.#place(bucket, this.members.length);
  }

  hasSameOwners(other: Ring, bucket: number): boolean {
    const mine = this.owners(bucket);
    const others = other.owners(bucket);
    return mine.length === others.length && mine.every((id, index) => id === others[index]);
  }

  #place(bucket: number, count: number): readonly NodeId[] {
    const wanted = Math.min(count, this.members.length);
    return this.#placement.placeMany(`bucket-${bucket}`, this.#candidates, wanted);
  }
}

/** The number of a view that nobody committed; never 0, which stands for any view. */
export function viewNumber(members: readonly NodeId[]): number {
  return hashOf([...members].sort().join()) + 1;
}

/** What rings of one cache are made with: it keeps the last few, so that a change costs a merge. */
export function ringPlacement(): Placement {
  return hashRing({ virtualNodes: VIRTUAL_NODES });
}
