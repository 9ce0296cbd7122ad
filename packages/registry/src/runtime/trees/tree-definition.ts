/**
 * The process that stands for a supervision tree: distributed, named and taken over like any other, so that a tree has one
 * owner, a name that leads to it, and a place in a drain or a migration. It holds no state: its arguments are the plan,
 * and what became of the children stands in their specs.
 *
 * Every registry has the definition bound to its own trees, since several nodes may live in one operating-system process.
 */
import { coreErrors, defineProcess, type ProcessDefinition } from "@foundation/core";
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

/** The definitions of a node with that of trees among them; `begun` is told when one starts on this node. */
export function withTrees(definitions: DefinitionSource, begun: () => void): DefinitionSource {
  const bound: ProcessDefinition = {
    ...treeProcess,
    init: (plan: never, context) => {
      const state = treeProcess.init(plan, context);
      begun();
      return state;
    },
  };
  return {
    get: (name) => (name === TREE ? bound : definitions.get(name)),
    names: () => [...new Set([...definitions.names(), TREE])],
    onDefined: (listener) => definitions.onDefined(listener),
  };
}
