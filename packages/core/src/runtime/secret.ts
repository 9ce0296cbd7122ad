/**
 * Secret: a text that cannot be printed by accident.
 *
 * Logging, inspecting, stringifying and serialising it show `[secret]`; only `reveal()` gives the text. The mark is a
 * `Symbol.for`, so that a second copy of this package knows it too.
 */
import { inspect } from "node:util";
import { coreErrors } from "../errors/errors.js";

const MARK = Symbol.for("foundation.secret");
const REDACTED = "[secret]";

/**
 * A text that is only shown on purpose.
 *
 * @example
 * ```ts
 * import { Secret } from "@foundation/core"
 *
 * const secret = new Secret("correct horse battery staple")
 * console.log(`${secret}`, JSON.stringify({ secret })) // [secret] {"secret":"[secret]"}
 * console.log(secret.reveal().length) // 28
 * ```
 */
export class Secret {
  readonly #text: string;
  readonly [MARK] = true;

  /** @throws {ERR_INVALID_ARGUMENT} when the text is empty. */
  constructor(text: string) {
    if (typeof text !== "string" || text.length === 0) {
      const expected = "a text that is not empty";
      throw coreErrors.ERR_INVALID_ARGUMENT(`A secret must be ${expected}`, {
        argument: "secret",
        expected,
        found: typeof text === "string" ? "an empty text" : `a value of type ${typeof text}`,
      });
    }
    this.#text = text;
  }

  /** The text itself. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/** True for a `Secret` of any copy of this package. */
export function isSecret(value: unknown): value is Secret {
  return typeof value === "object" && value !== null && MARK in value;
}
