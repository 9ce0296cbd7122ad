/**
 * TreeErrors: what a tree says to whoever asks for what it cannot do.
 *
 * In one place, so that a caller reads the same of a tree whether it runs on his node or on another.
 */
import { coreErrors, type FoundationError } from "@foundation/core";
import { identityIn } from "../../protocol/tree.js";

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
