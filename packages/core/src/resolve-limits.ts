/**
 * resolveLimits: a package's limits with the caller's in their place.
 *
 * Why it is checked: a limit of 0 or NaN does not fail where it is set but much later and far away,
 * as a queue that takes nothing or a transfer that skips data.
 */
import { coreErrors } from "./errors/errors.js";
import { shown } from "./errors/shown.js";

/**
 * The defaults with the given limits in their place; `undefined` means the default.
 *
 * @throws {ERR_INVALID_ARGUMENT} a limit is not an integer of at least 1, or there is none of its name
 *
 * @example
 * ```ts
 * import { resolveLimits } from "@foundation/core"
 *
 * const limits = resolveLimits({ queueMax: 1_000, timeoutMs: 5_000 }, { queueMax: 10 })
 * ```
 */
export function resolveLimits<L extends { readonly [Name in keyof L]: number }>(
  defaults: L,
  given: { readonly [Name in keyof L]?: number | undefined } = {},
): L {
  const resolved: Record<string, number> = { ...defaults };
  for (const [name, value] of Object.entries<number | undefined>(given)) {
    if (!Object.hasOwn(defaults, name)) throw unknownLimit(name, Object.keys(defaults));
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < 1) throw impossible(name, value);
    resolved[name] = value;
  }
  return resolved as L;
}

function impossible(name: string, value: unknown): Error {
  const [expected, found] = ["an integer of at least 1", shown(value)];
  return coreErrors.ERR_INVALID_ARGUMENT(`limits.${name} must be ${expected}, found ${found}`, {
    argument: `limits.${name}`,
    expected,
    found,
  });
}

function unknownLimit(name: string, known: readonly string[]): Error {
  const expected = `one of ${known.join(", ")}`;
  return coreErrors.ERR_INVALID_ARGUMENT(`limits.${name} is not a limit; expected ${expected}`, {
    argument: `limits.${name}`,
    expected,
    found: name,
  });
}
