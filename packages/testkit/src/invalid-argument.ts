/** invalidArgument: what a test gave to a world that the world cannot take. */
import { coreErrors, type FoundationError } from "@foundation/core";

export function invalidArgument(
  argument: string,
  expected: string,
  found: string,
): FoundationError {
  const message = `${argument} must be ${expected}, found ${found}`;
  return coreErrors.ERR_INVALID_ARGUMENT(message, { argument, expected, found });
}
