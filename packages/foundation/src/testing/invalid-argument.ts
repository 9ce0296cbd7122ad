/** InvalidArgument: how a wrong argument of a test is refused: what, where, what was expected, what was found. */
import { coreErrors, shown } from "@foundation/core";

const FOUND_CHARS = 200;

/** @param where the function, @param argument the option or argument */
export function invalidArgument(
  where: string,
  argument: string,
  expected: string,
  value: unknown,
): Error {
  const found = told(value).slice(0, FOUND_CHARS);
  return coreErrors.ERR_INVALID_ARGUMENT(
    `${where}: ${argument} must be ${expected}, found ${found}`,
    { argument, expected, found },
  );
}

/** @throws {ERR_INVALID_ARGUMENT} what was given is no object, or has a member that is none of those known */
export function refuseUnknown(
  where: string,
  argument: string,
  given: unknown,
  known: readonly string[],
): void {
  if (!isPlain(given)) throw invalidArgument(where, argument, "an object", given);
  const expected = `one of ${[...known].sort().join(", ")}`;
  for (const key of Object.keys(given)) {
    if (!known.includes(key))
      throw invalidArgument(where, `each key of ${argument}`, expected, key);
  }
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function oneOf(
  where: string,
  argument: string,
  known: readonly string[],
  value: string,
): void {
  if (known.includes(value)) return;
  throw invalidArgument(where, argument, known.map((each) => `"${each}"`).join(" or "), value);
}

export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A test's own value is told with what is in it: the one who wrote it looks for the part that is wrong. */
function told(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => told(each)).join(", ")}]`;
  if (isPlain(value)) return `an object of ${Object.keys(value).join(", ") || "nothing"}`;
  return shown(value);
}
