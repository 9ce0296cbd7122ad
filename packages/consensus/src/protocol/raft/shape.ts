/** Shape: the checks of plain values that every message and record from outside goes through. */
import { ID_LENGTH_MAX } from "../../limits.js";

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A term, an index, a count: an integer that stays exact when a few thousand are added. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 52;
}

/** An id of a group or of a snapshot. */
export function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= ID_LENGTH_MAX;
}

export function isBytes(value: unknown, bytesMax: number): value is Uint8Array {
  return value instanceof Uint8Array && value.byteLength <= bytesMax;
}
