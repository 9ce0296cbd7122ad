/**
 * Durations as people write them: `"5s"`, `"250ms"`, or a number of milliseconds.
 *
 * Public options take a `Duration`; inside, every name ends in its unit (`timeoutMs`). One parser, so that every
 * option of every package accepts and refuses the same texts.
 */
import { coreErrors } from "./errors/errors.js";
import { shown } from "./errors/shown.js";

/** `"250ms"`, `"5s"`, `"2m"`, `"1h"`, `"1d"` (fractions allowed), or a number of milliseconds. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * A duration in milliseconds.
 *
 * @param duration what the caller passed
 * @param argument the option's name, for the error
 * @returns milliseconds, 0 or more, finite
 * @throws {ERR_INVALID_ARGUMENT} for anything that is not a duration
 *
 * @example
 * ```ts
 * import { parseDuration } from "@foundation/core"
 *
 * const timeoutMs = parseDuration("2.5s", "timeout") // 2500
 * ```
 */
export function parseDuration(duration: Duration, argument: string): number {
  if (typeof duration === "number") {
    if (Number.isFinite(duration) && duration >= 0) return duration;
  } else if (typeof duration === "string") {
    const match = PATTERN.exec(duration);
    if (match) return Number(match[1]) * MS_PER_UNIT[match[2] as keyof typeof MS_PER_UNIT];
  }
  const expected =
    'a number of milliseconds of at least 0, or a text such as "250ms", "5s", "2m" or "1h"';
  const found = shown(duration);
  throw coreErrors.ERR_INVALID_ARGUMENT(`${argument} must be ${expected}, found ${found}`, {
    argument,
    expected,
    found,
  });
}
