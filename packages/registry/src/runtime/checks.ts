/**
 * Checks: what the options of an operation that makes a plan are held against, before anything is done.
 *
 * Such options are nested and come from people, so every error names the very option, in words of the operation.
 *
 * Invariant: a check throws or changes nothing.
 */
import { invalidArgument } from "@foundation/core";
import { isRecord } from "../protocol/is-record.js";

/** The checks of one operation. */
export interface Checks {
  /** @throws {ERR_INVALID_ARGUMENT} unless it holds */
  ensure(argument: string, holds: boolean, expected: string, value: unknown): void;
  /** An option nobody knows is a mistake. @throws {ERR_INVALID_ARGUMENT} */
  onlyKnown(what: string, given: object, known: readonly string[]): void;
}

export function checksOf(operation: string): Checks {
  const ensure: Checks["ensure"] = (argument, holds, expected, value) => {
    if (!holds) throw invalidArgument(operation, argument, expected, value);
  };
  const onlyKnown: Checks["onlyKnown"] = (what, given, known) => {
    ensure(what, isRecord(given), "an object", given);
    for (const option of Object.keys(given)) {
      ensure(`option of ${what}`, known.includes(option), `one of ${known.join(", ")}`, option);
    }
  };
  return { ensure, onlyKnown };
}
