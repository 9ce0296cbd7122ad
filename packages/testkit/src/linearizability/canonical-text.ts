/**
 * canonicalText: one text for equal values, whatever the order of their properties.
 *
 * Why: the checker asks millions of times whether two states, or two operations, are the same. Texts are compared and
 * hashed by the engine. Only plain data has one: an instance of a class may hide what makes it different.
 */
import { invalidArgument } from "../invalid-argument.js";
import { linearizabilityLimits } from "./limits.js";

/** @throws {ERR_INVALID_ARGUMENT} the value is not plain data, or nests too deep */
export function canonicalText(value: unknown, depth = 0): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      // 0 and -0 are one value, as for ===.
      return String(value);
    case "bigint":
      return `${value}n`;
    case "boolean":
    case "undefined":
      return String(value);
    case "object":
      return value === null ? "null" : structureText(value, depth + 1);
    default:
      throw notPlain(typeof value);
  }
}

/** Whether two values are equal as plain data. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== typeof b) return false;
  return canonicalText(a) === canonicalText(b);
}

function structureText(value: object, depth: number): string {
  if (depth > linearizabilityLimits.valueDepthMax) {
    throw notPlain(`one deeper than ${linearizabilityLimits.valueDepthMax} levels, or a cycle`);
  }
  const text = (part: unknown) => canonicalText(part, depth);
  if (Array.isArray(value)) return `[${value.map(text).join(",")}]`;
  if (value instanceof Map) {
    const entries = [...value].map(([key, held]) => `${text(key)}=>${text(held)}`);
    return `Map{${entries.sort().join(",")}}`;
  }
  if (value instanceof Set) return `Set{${[...value].map(text).sort().join(",")}}`;
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof Uint8Array) return `bytes(${value.join(",")})`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw notPlain(`an instance of ${value.constructor.name}`);
  }
  const entries = Object.entries(value).filter(([, held]) => held !== undefined);
  return `{${entries
    .map(([key, held]) => `${JSON.stringify(key)}:${text(held)}`)
    .sort()
    .join(",")}}`;
}

function notPlain(found: string): Error {
  return invalidArgument(
    "A value of an operation or of a model's state",
    "plain data (a model may give `hash` and `equals` for other states)",
    found,
  );
}
