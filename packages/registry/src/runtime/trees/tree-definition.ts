/**
 * The process that stands for a supervision tree: distributed, named and taken over like any other, so that a tree has one
 * owner, a name that leads to it, and a place in a drain or a migration. It holds no state: its arguments are the plan,
 * and what became of the children stands in their specs.
 */
import { coreErrors, defineProcess } from "@foundation/core";
import { parseTreePlan, TREE } from "../../protocol/tree-plan.js";
import type { DefinitionSource } from "../wiring.js";

/** The definition as all nodes know it. It runs only as a registry binds it. */
export const treeProcess = defineProcess({
  name: TREE,
  init: (plan: unknown) => {
    if (parseTreePlan(plan) !== undefined) return {};
    throw coreErrors.ERR_INVALID_ARGUMENT(
      "The plan of a supervision tree cannot be read: the node that sent it runs another version",
      { argument: "plan", expected: "a plan of this version", found: typeof plan },
    );
  },
});

/** The definitions of a node, with that of trees among them whatever its source is. */
export function withTrees(definitions: DefinitionSource): DefinitionSource {
  return {
    get: (name) => (name === TREE ? treeProcess : definitions.get(name)),
    names: () => [...new Set([...definitions.names(), TREE])],
    onDefined: (listener) => definitions.onDefined(listener),
  };
}
