/**
 * Where a value stops being plain data, for the error's message. Only runs when encoding was refused already.
 */
import { shown } from "../errors/shown.js";
import type { CodecLimits } from "./limits.js";
import {
  boxedArrayName,
  isBytes,
  isEncodableBigInt,
  isForbiddenKey,
  isPlainObject,
} from "./plain-data.js";

/** The first thing that cannot be sent: its path from `$`, and what it is. Never shows the value itself. */
export interface Problem {
  readonly path: string;
  readonly found: string;
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** Finds what is not plain data. A value without such a thing has too many values. */
export function findProblem(value: unknown, limits: CodecLimits): Problem {
  return (
    problemIn(value, "$", [], limits) ?? {
      path: "$",
      found: `more than ${limits.valuesMax} values (the limit valuesMax)`,
    }
  );
}

function problemIn(
  value: unknown,
  path: string,
  above: readonly object[],
  limits: CodecLimits,
): Problem | undefined {
  if (typeof value === "bigint") {
    return isEncodableBigInt(value) ? undefined : { path, found: "a bigint of more than 64 bits" };
  }
  if (typeof value === "function" || typeof value === "symbol") {
    return { path, found: `a ${typeof value}` };
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (above.includes(value))
    return { path, found: "a reference back to an object that contains it" };
  if (above.length >= limits.depthMax) {
    return { path, found: `more than ${limits.depthMax} levels of nesting (the limit depthMax)` };
  }
  const within = [...above, value];
  if (value instanceof Date || isTypedArray(value)) return subclassProblem(value, path);
  for (const [key, item, step] of entriesOf(value) ?? []) {
    if (typeof key === "string" && isPlainObject(value) && isForbiddenKey(key)) {
      return { path: `${path}${step}`, found: `the key "${key}", which is not allowed` };
    }
    const problem = problemIn(item, `${path}${step}`, within, limits);
    if (problem) return problem;
  }
  if (entriesOf(value)) return subclassProblem(value, path);
  return { path, found: `an instance of ${classOf(value)}` };
}

/** What is inside a container, with the step of the path that leads there; undefined for other objects. */
function entriesOf(value: object): readonly (readonly [unknown, unknown, string])[] | undefined {
  if (Array.isArray(value)) return value.map((item, i) => [i, item, `[${i}]`]);
  if (value instanceof Map) {
    return [...value].flatMap(([key, item]) => [
      [undefined, key, `.keys(${shown(key)})`],
      [undefined, item, `.get(${shown(key)})`],
    ]);
  }
  if (value instanceof Set) return [...value].map((item, i) => [i, item, `.values(${i})`]);
  if (!isPlainObject(value)) return undefined;
  return Object.entries(value).map(([key, item]) => [
    key,
    item,
    IDENTIFIER.test(key) ? `.${key}` : `[${shown(key)}]`,
  ]);
}

/** Subclasses of Map, Set and Date would arrive without their class. */
function subclassProblem(value: object, path: string): Problem | undefined {
  const known = ["Map", "Set", "Date"].includes(classOf(value));
  const exact = Array.isArray(value) || isPlainObject(value) || isTypedArray(value) || known;
  return exact ? undefined : { path, found: `an instance of ${classOf(value)}` };
}

function isTypedArray(value: object): boolean {
  return isBytes(value) || boxedArrayName(value) !== undefined;
}

function classOf(value: object): string {
  const { constructor } = value as { constructor?: { name?: unknown } };
  const name = constructor?.name;
  return typeof name === "string" && name !== "" ? name : "a class without a name";
}
