/** The check that a value is plain data, with the path of what is not. */
import { coreErrors } from "../errors/errors.js";

/** @throws {ERR_NOT_ENCODABLE} naming the path of what is not plain data. */
export function assertPlain(value: unknown, path = "$", depth = 0): void {
  if (typeof value === "function" || typeof value === "symbol")
    throw notPlain(path, `a ${typeof value}`);
  if (typeof value !== "object" || value === null) return;
  if (depth > 64) throw notPlain(path, "more than 64 levels of nesting, or a cycle");
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) assertPlain(value[i], `${path}[${i}]`, depth + 1);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    for (const [key, item] of Object.entries(value)) assertPlain(item, `${path}.${key}`, depth + 1);
    return;
  }
  if (
    value instanceof Date ||
    value instanceof Map ||
    value instanceof Set ||
    ArrayBuffer.isView(value)
  )
    return;
  throw notPlain(path, `an instance of ${value.constructor?.name ?? "a class"}`);
}

function notPlain(path: string, found: string): Error {
  return coreErrors.ERR_NOT_ENCODABLE(
    `The value at ${path} is ${found}: only plain data can be sent to another node`,
    { path, found },
  );
}
