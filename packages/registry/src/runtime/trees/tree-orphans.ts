/**
 * TreeOrphans: children whose tree nobody knows.
 *
 * Every node that knew the tree has died, and these children came to be known later: nobody supervises them. The spec of the
 * tree may also just be late, so they are given up only after a while.
 *
 * Invariant: a child is given up only where its tree was unknown at every look for `treeUnknownMs`.
 */
import { droppedSpec } from "../../protocol/child-spec.js";
import type { SpecStore } from "../supervision/spec-store.js";
import type { TreeIndex } from "./tree-index.js";

export class TreeOrphans {
  readonly #specs: SpecStore;
  readonly #index: TreeIndex;
  readonly #unknownMs: number;
  /** Since when children are here whose tree is unknown. */
  readonly #unknown = new Map<string, number>();

  constructor(specs: SpecStore, index: TreeIndex, unknownMs: number) {
    this.#specs = specs;
    this.#index = index;
    this.#unknownMs = unknownMs;
  }

  /** Gives up the children whose tree has been unknown for too long. */
  drop(now: number): void {
    const specs = this.#specs;
    for (const supervisor of this.#unknown.keys()) {
      const isKnown = specs.get(supervisor) !== undefined;
      if (isKnown || this.#index.of(supervisor).length === 0) this.#unknown.delete(supervisor);
    }
    for (const supervisor of this.#index.supervisors()) {
      if (specs.get(supervisor) !== undefined) continue;
      const since = this.#unknown.get(supervisor) ?? now;
      this.#unknown.set(supervisor, since);
      if (now - since < this.#unknownMs) continue;
      this.#unknown.delete(supervisor);
      for (const identity of this.#index.of(supervisor)) {
        const spec = specs.get(identity);
        if (spec !== undefined && spec.state !== "stopped") specs.put(droppedSpec(spec));
      }
    }
  }
}
