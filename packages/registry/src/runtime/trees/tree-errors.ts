/**
 * TreeErrors: what a tree says to whoever asks for what it cannot do.
 *
 * In one place, so that a caller reads the same of a tree whether it runs on his node or on another.
 */
import { coreErrors, type FoundationError } from "@foundation/core";
import type { ChildSpec } from "../../protocol/child-spec.js";
import { identityIn } from "../../protocol/tree.js";
import { TREE } from "../../protocol/tree-plan.js";

export function noChild(supervisor: string, id: string): FoundationError {
  return coreErrors.ERR_NO_PROCESS(
    `Supervisor "${supervisor}" has no child "${id}", or forgot it when it ended`,
    { process: identityIn(supervisor, id) },
  );
}

/** Nothing is done with its children any more, on this node. */
export function treeClosed(supervisor: string, why: string): FoundationError {
  const what = `supervisor ${supervisor}`;
  return coreErrors.ERR_CLOSED(`Supervisor "${supervisor}" no longer runs: ${why}`, { what });
}

export function idTaken(supervisor: string, id: string): FoundationError {
  return coreErrors.ERR_INVALID_ARGUMENT(
    `Supervisor "${supervisor}" has a child "${id}" already: end it first, or choose another id`,
    { argument: "id", expected: "an id no other child has", found: id },
  );
}

export function treeFull(supervisor: string, limit: number): FoundationError {
  return coreErrors.ERR_QUEUE_FULL(
    `Supervisor "${supervisor}" has ${limit} children (maxChildren) and takes no more`,
    { queue: "children", limit, unit: "messages" },
  );
}

/** It gave up just now. */
export function treeGaveUp(
  supervisor: string,
  { restarts, withinMs }: { readonly restarts: number; readonly withinMs: number },
  cause: FoundationError | undefined,
): FoundationError {
  return coreErrors.ERR_SUPERVISOR_GAVE_UP(
    `Supervisor "${supervisor}" gave up: ${restarts} restarts within ${withinMs} ms are more than ` +
      "maxRestarts allows; its children are stopped",
    { supervisor, restarts, withinMs },
    cause,
  );
}

export function treeNotHere(name: string): FoundationError {
  return coreErrors.ERR_NODE_UNREACHABLE(
    `Supervisor "${name}" does not run on this node, or not yet; the request had no effect`,
    { node: name, reason: "the tree is on its way to another node" },
  );
}

/** Nothing runs under that name, as far as this node knows. */
export function treeNotRunning(name: string, spec: ChildSpec | undefined): FoundationError {
  if (spec?.definition === TREE && spec.state === "failed") {
    return coreErrors.ERR_SUPERVISOR_GAVE_UP(
      `Supervisor "${name}" has given up, and its children are stopped: ${spec.reason ?? "?"}`,
      { supervisor: name, restarts: 0, withinMs: 0 },
    );
  }
  return coreErrors.ERR_NO_PROCESS(`No supervisor runs under "${name}"; start one with supervise`, {
    process: name,
  });
}
