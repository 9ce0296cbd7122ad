/**
 * What callers give that is the same for many operations: a process, a node, options. Checked before anything is done with
 * it, because callers without types, or with values from elsewhere, get an error that says what was expected.
 *
 * Invariant: a check throws ERR_INVALID_ARGUMENT or changes nothing, whatever it is given.
 */
import { coreErrors, isNodeId, shown, type NodeId, type ProcessDefinition } from "@foundation/core";
import { parsePid } from "./calls/foundation-errors.js";
import type { ClusterRef } from "./calls/process-reference.js";

/**
 * Options of an operation, and a signal among them that is one. Where all of them are `known`, one that nobody knows is a
 * mistake. @throws {ERR_INVALID_ARGUMENT}
 */
export function checkOptions(operation: string, options: unknown, known?: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null) {
    throw invalid(operation, "options", "an object", options);
  }
  for (const option of known === undefined ? [] : Object.keys(options)) {
    if (known?.includes(option) !== true) {
      throw invalid(operation, "the option", `one of ${known?.join(", ")}`, option);
    }
  }
  const { signal } = options as { readonly signal?: unknown };
  // Not `instanceof`: a signal of another realm is one, too.
  const listens = (signal as Partial<AbortSignal> | null | undefined)?.addEventListener;
  if (signal === undefined || typeof listens === "function") return;
  throw invalid(operation, "signal", "an AbortSignal", signal);
}

/** A text, an empty one too. @throws {ERR_INVALID_ARGUMENT} */
export function checkText(operation: string, argument: string, value: unknown): void {
  if (typeof value !== "string") throw invalid(operation, argument, "a text", value);
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkOptionalText(operation: string, argument: string, value: unknown): void {
  if (value !== undefined) checkText(operation, argument, value);
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkFunction(operation: string, argument: string, value: unknown): void {
  if (typeof value !== "function") throw invalid(operation, argument, "a function", value);
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkOptionalFunction(operation: string, argument: string, value: unknown): void {
  if (value !== undefined) checkFunction(operation, argument, value);
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkOptionalBoolean(operation: string, argument: string, value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  throw invalid(operation, argument, "true or false", value);
}

/** What `defineProcess` gives; what runs elsewhere only needs its name. @throws {ERR_INVALID_ARGUMENT} */
export function checkDefinition(operation: string, argument: string, value: unknown): void {
  if (isDefinition(value)) return;
  throw invalid(operation, argument, "what defineProcess gives", value);
}

export function isDefinition(value: unknown): value is ProcessDefinition {
  const { name } = (value ?? {}) as Partial<ProcessDefinition>;
  return typeof value === "object" && typeof name === "string";
}

/** A process by reference or by pid. @throws {ERR_INVALID_ARGUMENT} */
export function checkProcess(operation: string, process: unknown): void {
  if (isReference(process) || parsePid(process ?? undefined) !== undefined) return;
  throw invalid(operation, "process", "a reference, as startProcess gives, or a pid", process);
}

/** A process by reference. @throws {ERR_INVALID_ARGUMENT} */
export function checkReference(operation: string, process: unknown): void {
  if (!isReference(process)) throw invalid(operation, "process", "a reference", process);
}

function isReference(process: unknown): process is ClusterRef {
  const isObject = typeof process === "object" && process !== null;
  return isObject && typeof (process as { readonly whereis?: unknown }).whereis === "function";
}

/** The id of a node that was given by its id or as a member. @throws {ERR_INVALID_ARGUMENT} */
export function nodeOf(operation: string, argument: string, node: unknown): NodeId {
  const id = typeof node === "object" && node !== null ? (node as { id?: unknown }).id : node;
  if (isNodeId(id)) return id;
  throw invalid(operation, argument, "the id of a node, or a member", node);
}

export function invalid(
  operation: string,
  argument: string,
  expected: string,
  value: unknown,
): Error {
  const found = shown(value);
  return coreErrors.ERR_INVALID_ARGUMENT(
    `${operation}: ${argument} must be ${expected}, found ${found}`,
    { argument, expected, found },
  );
}
