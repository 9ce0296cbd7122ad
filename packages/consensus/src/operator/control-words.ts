/**
 * What an operator and a node say to each other: one JSON object a line, one question and one answer a connection.
 * docs/protocol/consensus-bootstrap.md describes it.
 */
import { isRecord } from "../protocol/raft/shape.js";

/** What can be asked of a node. */
export type ControlQuestion =
  | { readonly type: "status" }
  /** Found the group with these first voters. */
  | { readonly type: "bootstrap"; readonly voters: readonly string[] };

export type ControlAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** The question when the line is one. */
export function questionOf(line: string): ControlQuestion | undefined {
  const value = parsed(line);
  if (value?.["type"] === "status") return { type: "status" };
  if (value?.["type"] !== "bootstrap") return undefined;
  const { voters } = value;
  const isList = Array.isArray(voters) && voters.every((name) => typeof name === "string");
  return isList ? { type: "bootstrap", voters: voters as readonly string[] } : undefined;
}

/** The answer when the line is one. */
export function answerOf(line: string): ControlAnswer | undefined {
  const value = parsed(line);
  if (value?.["ok"] === true) return { ok: true, value: value["value"] };
  const { code, message } = value ?? {};
  if (value?.["ok"] !== false || typeof code !== "string" || typeof message !== "string") {
    return undefined;
  }
  return { ok: false, code, message };
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
