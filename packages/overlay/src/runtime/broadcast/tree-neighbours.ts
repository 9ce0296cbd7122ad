/**
 * TreeNeighbours: to whom broadcasts may pass from this node, and which of them its trees have.
 *
 * Where members have few links, all of those. In a full mesh everybody is a neighbour, and a tree
 * that had them all would send each message N times to everybody. While a mesh is young, and fills, trees
 * have the neighbours of before and those who came since: few, and together they reach everybody, so
 * they carry what a node sends that is not linked to all yet. In an older mesh, and for a moment
 * after one, a tree has those that say they use it.
 */
import type { Clock, NodeId, Timer } from "@foundation/core";
import { BROADCAST } from "../../limits.js";

export class TreeNeighbours {
  readonly #clock: Clock;
  readonly #isPartial: () => boolean;
  readonly #all = new Set<NodeId>();
  /** Those of a young mesh. */
  #kept = new Set<NodeId>();
  #meshBegunAt = Number.NEGATIVE_INFINITY;
  /** Runs just after a full mesh has ended. */
  #settling: Timer | undefined;

  constructor(clock: Clock, isPartial: () => boolean) {
    this.#clock = clock;
    this.#isPartial = isPartial;
  }

  get all(): ReadonlySet<NodeId> {
    return this.#all;
  }

  /** Those that a tree has which is in use; undefined: those that say they use it. */
  get ofTrees(): ReadonlySet<NodeId> | undefined {
    if (this.#settling !== undefined) return undefined;
    if (this.#isPartial()) return this.#all;
    return this.#isYoung ? this.#kept : undefined;
  }

  /** @param since when it became a member; undefined: it is none yet */
  up(id: NodeId, since: number | undefined): void {
    this.#all.add(id);
    if (!this.#isYoung || this.#isPartial()) return;
    const isNew = since === undefined || since >= this.#meshBegunAt;
    if (isNew || this.#kept.size < BROADCAST.youngMeshNeighboursMin) this.#kept.add(id);
  }

  down(id: NodeId): void {
    this.#all.delete(id);
    this.#kept.delete(id);
  }

  meshBegun(): void {
    this.#endSettling();
    this.#meshBegunAt = this.#clock.now();
    this.#kept = new Set(this.#all);
  }

  /** @param settled called when the trees are to be there, before copies to each member end */
  meshEnded(settled: () => void): void {
    this.#endSettling();
    this.#settling = this.#clock.setTimer(BROADCAST.afterMeshMs / 2, () => {
      this.#settling = undefined;
      settled();
    });
  }

  close(): void {
    this.#endSettling();
  }

  /** Somebody may still send by the tree: one that learnt of the mesh later than this node. */
  get #isYoung(): boolean {
    return this.#clock.now() - this.#meshBegunAt < 2 * BROADCAST.beforeMeshMs;
  }

  #endSettling(): void {
    this.#settling?.cancel();
    this.#settling = undefined;
  }
}
