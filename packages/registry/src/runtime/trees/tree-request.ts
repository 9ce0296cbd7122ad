/**
 * TreeRequest: what the node that runs a tree is asked by others, how it reads that, and when it may be asked again.
 *
 * The answer may be lost and the tree may move while it is asked; whether a request may then be made once more depends on
 * what making it twice would do.
 *
 * Invariant: what another version sent is read whole or not at all.
 */
import { isFoundationError } from "@foundation/core";
import { parsePlannedChild, type PlannedChild } from "../../protocol/tree-plan.js";

/** What the owner of a tree is asked. */
export type TreeRequest =
  | { readonly type: "ready" }
  | { readonly type: "stop" }
  /** Whoever started it as this waits no more: stops it, unless all of it has started. */
  | { readonly type: "take-back"; readonly incarnation: number }
  | { readonly type: "start-child"; readonly child: PlannedChild }
  | { readonly type: "end-child"; readonly id: string }
  | { readonly type: "restart-child"; readonly id: string };

/** What stands in a message; undefined where it cannot be read. */
export function parseTreeRequest(value: unknown): TreeRequest | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { type, id, child, incarnation } = value as Partial<
    Record<"type" | "id" | "child" | "incarnation", unknown>
  >;
  if (type === "ready" || type === "stop") return { type };
  if (type === "start-child") {
    const planned = parsePlannedChild(child);
    return planned && { type, child: planned };
  }
  if (type === "take-back") {
    return Number.isSafeInteger(incarnation)
      ? { type, incarnation: Number(incarnation) }
      : undefined;
  }
  const isOfChild = type === "end-child" || type === "restart-child";
  return isOfChild && typeof id === "string" ? { type, id } : undefined;
}

/** The tree is on its way to another node, or the request had no effect, or may be made twice. */
export function mayAskAgain(error: unknown, { type }: TreeRequest): boolean {
  if (!isFoundationError(error)) return false;
  if (error.code === "ERR_OUTCOME_UNKNOWN" || error.code === "ERR_CLOSED") {
    return type === "ready" || type === "end-child";
  }
  return error.code === "ERR_NODE_UNREACHABLE";
}
