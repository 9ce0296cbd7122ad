/**
 * defineErrors: declares every error code of one package in one place.
 *
 * Each package has one `src/errors.ts` with one call; docs/errors.md is generated from the declarations and a test
 * keeps both equal. A declaration is called to make the error, so code, retryability and the type of the details
 * cannot drift apart.
 */
import { FoundationError, isFoundationError, type ErrorDetails } from "./foundation-error.js";

/** What is declared about a code, and documented. */
export interface ErrorDeclaration<Details extends ErrorDetails> {
  /** When the error happens, as one sentence. */
  readonly summary: string;
  /** What the reader should do about it, as one sentence. */
  readonly fix: string;
  /** True when the same request may be sent again without risk of running twice. */
  readonly retryable: boolean;
  /** Only its type is used: the shape of `details`, as a parameter so that one record takes all. */
  readonly details?: (details: Details) => void;
}

/** A declared error: call it to make one, `is` to recognise one. */
export interface ErrorFactory<Code extends string, Details extends ErrorDetails> {
  (message: string, details: Details, cause?: unknown): FoundationError<Code, Details>;
  readonly code: Code;
  readonly summary: string;
  readonly fix: string;
  readonly retryable: boolean;
  is(error: unknown): error is FoundationError<Code, Details>;
}

/** Declares one error. `Details` is the type of its `details`. */
export function error<Details extends ErrorDetails = Record<never, never>>(
  declaration: Omit<ErrorDeclaration<Details>, "details">,
): ErrorDeclaration<Details> {
  return declaration;
}

type Declarations = Record<`ERR_${string}`, ErrorDeclaration<never>>;
type DetailsOf<D> = D extends ErrorDeclaration<infer Details> ? Details : never;

/** The factories made from a record of declarations, one for each code. */
export type ErrorFactories<D> = {
  readonly [Code in keyof D & string]: ErrorFactory<Code, DetailsOf<D[Code]>>;
};

/**
 * Turns declarations into factories.
 *
 * @example
 * ```ts
 * import { defineErrors, error } from "@foundation/core"
 *
 * export const shopErrors = defineErrors({
 *   ERR_OUT_OF_STOCK: error<{ id: string }>({
 *     summary: "The article is sold out.", fix: "Order fewer, or wait for the next delivery.", retryable: false,
 *   }),
 * })
 * const failure = shopErrors.ERR_OUT_OF_STOCK("No o-1 left", { id: "o-1" })
 * ```
 */
export function defineErrors<D extends { [K in keyof D]: ErrorDeclaration<never> }>(
  declarations: D & Declarations,
): ErrorFactories<D> {
  const factories: Record<string, unknown> = {};
  for (const [code, declaration] of Object.entries(declarations)) {
    factories[code] = factoryOf(code, declaration as ErrorDeclaration<ErrorDetails>);
  }
  return factories as ErrorFactories<D>;
}

function factoryOf(
  code: string,
  declaration: ErrorDeclaration<ErrorDetails>,
): ErrorFactory<string, ErrorDetails> {
  const { summary, fix, retryable } = declaration;
  const create = (message: string, details: ErrorDetails, cause?: unknown) =>
    new FoundationError({ code, message, details, retryable, cause });
  const is = (error: unknown): error is FoundationError<string, ErrorDetails> =>
    isFoundationError(error, code);
  return Object.assign(create, { code, summary, fix, retryable, is });
}
