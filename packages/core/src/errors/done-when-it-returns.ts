/** What is given to be done as a whole, and would go on after it has returned: its rest would be no part of the whole. */
import { coreErrors } from "./errors.js";

/** The words of the refusal. */
export interface Whole {
  /** What was called, as `update`. */
  readonly call: string;
  /** Of what, as `state "carts"`. */
  readonly of: string;
  /** What did not happen, as `written`. */
  readonly done: string;
}

/** @throws {ERR_INVALID_ARGUMENT} the result is a promise */
export function assertDone(result: unknown, { call, of, done }: Whole): void {
  if (!(result instanceof Promise)) return;
  result.catch(() => undefined);
  throw coreErrors.ERR_INVALID_ARGUMENT(
    `${call} of ${of} was given a function that answers with a promise, and nothing was ${done}; ` +
      `await what it needs first, then ${call}`,
    {
      argument: call,
      expected: "a function that is done when it returns",
      found: "a promise",
    },
  );
}
