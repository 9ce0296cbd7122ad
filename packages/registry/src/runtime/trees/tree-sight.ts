/**
 * TreeSight: what the specs say of the children of one start of a tree.
 *
 * A spec of the same name may be of an earlier start, of another plan or of a process somebody started by hand, and its node
 * may be gone; all of that is told apart here, so that the run only hears what became of a child.
 *
 * Invariants: no spec is written; what it says depends on the specs and the members of the cluster as they are now. The fate
 * of a child that others ended is noted in the child, where nobody has said it yet.
 */
import { coreErrors, type ExitReason, type SupervisionInput } from "@foundation/core";
import { isDropped, type ChildSpec } from "../../protocol/child-spec.js";
import type { SpecStore } from "../supervision/spec-store.js";
import { isMember, type Wiring } from "../wiring.js";
import { isOf, isOfAnother } from "./tree-hands.js";
import type { OwnTree, TreeMember } from "./tree-members.js";

const NODE_DOWN = "its node is gone";

export class TreeSight {
  readonly #membership: Wiring["membership"];
  readonly #specs: SpecStore;
  readonly #tree: OwnTree;

  constructor(membership: Wiring["membership"], specs: SpecStore, tree: OwnTree) {
    this.#membership = membership;
    this.#specs = specs;
    this.#tree = tree;
  }

  /** The spec of a child, unless it is of an earlier start of the tree or of another process. */
  specOf({ identity, planned }: TreeMember): ChildSpec | undefined {
    const spec = this.#specs.get(identity);
    if (spec === undefined || !isOf(spec, this.#tree)) return undefined;
    return spec.definition === planned.definition ? spec : undefined;
  }

  /** True where the node it names as its owner is there. */
  runsOnMember(spec: ChildSpec): boolean {
    return isMember(spec.owner, this.#membership);
  }

  /** What a child that was up has come to; nothing while it runs, or others take it over. */
  endOf(member: TreeMember, spec: ChildSpec | undefined): SupervisionInput | undefined {
    const { id, managed, dynamic } = member.place;
    if (spec === undefined && this.#isOfAnotherPlan(member)) {
      return this.#lost(id);
    }
    if (spec === undefined || spec.state === "stopped") {
      const other = this.#specs.get(member.identity);
      // One of an earlier start is dropped by whoever looks at it, and then this one's is lost; after a later one this run is over.
      if (other !== undefined && isOfAnother(other, this.#tree)) return undefined;
      if (other !== undefined && isDropped(other)) return this.#lost(id);
      // Ended for good by somebody who held a reference to it.
      member.fate ??= dynamic ? "stopped" : "told";
      return { type: dynamic ? "remove" : "hold", id };
    }
    if (spec.state === "running") {
      if (!managed || this.runsOnMember(spec)) return undefined;
      return this.#lost(id);
    }
    switch (spec.rules?.tree?.ended) {
      case "normal":
        return { type: "exited", id, reason: { type: "normal" } };
      case "held":
        return this.#lost(id);
      case "told":
        member.fate ??= "told";
        return { type: "hold", id };
      case "crashed":
      case undefined:
        return { type: "exited", id, reason: this.#crash(id, spec.reason ?? "?") };
    }
  }

  #isOfAnotherPlan({ identity }: TreeMember): boolean {
    const spec = this.#specs.get(identity);
    return spec !== undefined && spec.state !== "stopped" && isOf(spec, this.#tree);
  }

  /** It ended for no failing of its own. */
  #lost(id: string): SupervisionInput {
    return { type: "exited", id, reason: this.#crash(id, NODE_DOWN), blameless: true };
  }

  #crash(id: string, thrown: string): ExitReason {
    const message = `Child "${id}" of "${this.#tree.supervisor}" ended: ${thrown}`;
    return { type: "error", error: coreErrors.ERR_HANDLER_FAILED(message, { thrown }) };
  }
}
