/**
 * FoundationError: the one error class of every package.
 *
 * Why one class: an error crosses process borders here, and `instanceof` does not. What is stable across a wire, a
 * second copy of a package or a hot reload is the `code`, so callers branch on `code` (see `isFoundationError` and the
 * `is` guard of each declared error), and a test keeps every code documented.
 */

/** Plain data that explains an error: what was wrong, where, what was expected. It crosses the wire as it is. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** What a `FoundationError` is made of. */
export interface FoundationErrorInit<Code extends string, Details extends ErrorDetails> {
  readonly code: Code;
  readonly message: string;
  readonly details: Details;
  /** True when the same request may be sent again without risk of running twice. */
  readonly retryable: boolean;
  readonly cause?: unknown;
}

/**
 * An operating error with a literal `code`, typed `details`, `retryable` and `cause`.
 *
 * @example
 * ```ts
 * import { FoundationError, isFoundationError } from "@foundation/core"
 *
 * try {
 *   throw new FoundationError({
 *     code: "ERR_OUT_OF_STOCK", message: "No o-1 left", details: { id: "o-1" }, retryable: false,
 *   })
 * } catch (error) {
 *   if (isFoundationError(error, "ERR_OUT_OF_STOCK")) console.log(error.details)
 * }
 * ```
 */
export class FoundationError<
  Code extends string = string,
  Details extends ErrorDetails = ErrorDetails,
> extends Error {
  readonly code: Code;
  readonly details: Details;
  readonly retryable: boolean;

  constructor(init: FoundationErrorInit<Code, Details>) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = "FoundationError";
    this.code = init.code;
    this.details = init.details;
    this.retryable = init.retryable;
  }

  /** The error as plain data: what a log line and the wire carry. The cause stays where it happened. */
  toJSON(): { code: Code; message: string; details: Details; retryable: boolean } {
    return {
      code: this.code,
      message: this.message,
      details: this.details,
      retryable: this.retryable,
    };
  }
}

/** True for a `FoundationError` of any copy of this package; with `code`, for that one code only. */
export function isFoundationError<Code extends string>(
  error: unknown,
  code?: Code,
): error is FoundationError<Code> {
  if (!(error instanceof Error) || error.name !== "FoundationError") return false;
  const candidate = (error as Partial<FoundationError>).code;
  return typeof candidate === "string" && (code === undefined || candidate === code);
}
