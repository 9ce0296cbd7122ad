/** Shown: what was found, as the error that refuses it says it. One wording for every package. */

/** Characters of what was found; more of it helps nobody, and may be the user's data. */
const SHOWN_CHARS_MAX = 64;

/**
 * A value for an error message: short, on one line. What an object holds is not told, since it may be anything.
 * Never throws, also not for what has no text of its own, such as an object without a prototype.
 *
 * @example
 * ```ts
 * import { shown } from "@foundation/core"
 *
 * console.log(`name must be a text, found ${shown(5)}`)
 * ```
 */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(cut(value));
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return cut(typeof value === "bigint" ? `${value}n` : String(value));
}

function cut(text: string): string {
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
}
