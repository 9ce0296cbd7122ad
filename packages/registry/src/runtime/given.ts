/** What callers give that is the same for many operations of processes: a definition, a process, a node. */
import { invalidArgument, isNodeId, type NodeId, type ProcessDefinition } from "@foundation/core";
import { parsePid } from "./calls/foundation-errors.js";
import type { ClusterRef } from "./calls/process-reference.js";

/** What `defineProcess` gives; what runs elsewhere only needs its name. @throws {ERR_INVALID_ARGUMENT} */
export function checkDefinition(operation: string, argument: string, value: unknown): void {
  if (isDefinition(value)) return;
  throw invalidArgument(operation, argument, "what defineProcess gives", value);
}

export function isDefinition(value: unknown): value is ProcessDefinition {
  const { name } = (value ?? {}) as Partial<ProcessDefinition>;
  return typeof value === "object" && typeof name === "string";
}

/** A process by reference or by pid. @throws {ERR_INVALID_ARGUMENT} */
export function checkProcess(operation: string, process: unknown): void {
  if (isReference(process) || parsePid(process ?? undefined) !== undefined) return;
  throw invalidArgument(
    operation,
    "process",
    "a reference, as startProcess gives, or a pid",
    process,
  );
}

/** A process by reference. @throws {ERR_INVALID_ARGUMENT} */
export function checkReference(operation: string, process: unknown): void {
  if (!isReference(process)) throw invalidArgument(operation, "process", "a reference", process);
}

function isReference(process: unknown): process is ClusterRef {
  const isObject = typeof process === "object" && process !== null;
  return isObject && typeof (process as { readonly whereis?: unknown }).whereis === "function";
}

/** The id of a node that was given by its id or as a member. @throws {ERR_INVALID_ARGUMENT} */
export function nodeOf(operation: string, argument: string, node: unknown): NodeId {
  const id = typeof node === "object" && node !== null ? (node as { id?: unknown }).id : node;
  if (isNodeId(id)) return id;
  throw invalidArgument(operation, argument, "the id of a node, or a member", node);
}
