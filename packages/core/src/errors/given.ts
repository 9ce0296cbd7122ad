/**
 * Given: what callers give, checked before anything is done with it, because callers without types, or with values from
 * elsewhere, get an error that says what was expected. One wording for every package.
 *
 * Invariant: a check throws ERR_INVALID_ARGUMENT or changes nothing, whatever it is given.
 */
import { coreErrors } from "./errors.js";
import { shown } from "./shown.js";

/**
 * Options of an operation, and a signal among them that is one. Where all of them are `known`, one that nobody knows is a
 * mistake. @throws {ERR_INVALID_ARGUMENT}
 */
export function checkOptions(operation: string, options: unknown, known?: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null) {
    throw invalidArgument(operation, "options", "an object", options);
  }
  for (const option of known === undefined ? [] : Object.keys(options)) {
    if (known?.includes(option) !== true) {
      throw invalidArgument(operation, "the option", `one of ${known?.join(", ")}`, option);
    }
  }
  const { signal } = options as { readonly signal?: unknown };
  // Not `instanceof`: a signal of another realm is one, too.
  const listens = (signal as Partial<AbortSignal> | null | undefined)?.addEventListener;
  if (signal === undefined || typeof listens === "function") return;
  throw invalidArgument(operation, "signal", "an AbortSignal", signal);
}

/** A text, an empty one too. @throws {ERR_INVALID_ARGUMENT} */
export function checkText(operation: string, argument: string, value: unknown): void {
  if (typeof value !== "string") throw invalidArgument(operation, argument, "a text", value);
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkOptionalText(operation: string, argument: string, value: unknown): void {
  if (value !== undefined) checkText(operation, argument, value);
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkFunction(operation: string, argument: string, value: unknown): void {
  if (typeof value !== "function") throw invalidArgument(operation, argument, "a function", value);
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkOptionalFunction(operation: string, argument: string, value: unknown): void {
  if (value !== undefined) checkFunction(operation, argument, value);
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkOptionalBoolean(operation: string, argument: string, value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  throw invalidArgument(operation, argument, "true or false", value);
}

/** The error of an operation that was given something else than it expects. */
export function invalidArgument(
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
