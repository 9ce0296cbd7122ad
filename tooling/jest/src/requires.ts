/**
 * How a test says what it needs from the machine.
 *
 * A bare machine lacks things (network namespaces, a DNS server, root). A test that needs one
 * declares it, is skipped where it is missing, and the reporter counts the skip under that reason;
 * with `REQUIRE_ALL=1` the reporter turns every skip into a failure. So nothing is ever skipped
 * silently, and the machine that should have everything proves that it has.
 */
import { describe, test } from "@jest/globals";

/** `test` and `describe` that run only where the requirement is met. */
export interface RequiredSuite {
  readonly met: boolean;
  readonly test: (name: string, fn: () => void | Promise<void>, timeoutMs?: number) => void;
  readonly describe: (name: string, fn: () => void) => void;
}

/**
 * Declares a requirement of the machine. Tests made by the result run where `probe` answers true.
 *
 * @param what the requirement as a noun phrase: it becomes the counted reason of the skip
 * @param probe decides; an exception counts as "not met"
 *
 * @example
 * ```ts
 * const namespaces = await requires("network namespaces", () => canUnshare());
 * namespaces.test("a cut link heals", async () => {});
 * ```
 */
export async function requires(
  what: string,
  probe: () => boolean | Promise<boolean>,
): Promise<RequiredSuite> {
  const met = await answer(probe);
  const label = (name: string): string => (met ? name : `${name} ${needs(what)}`);
  return {
    met,
    test: (name, fn, timeoutMs) => (met ? test : test.skip)(label(name), fn, timeoutMs),
    describe: (name, fn) => (met ? describe : describe.skip)(label(name), fn),
  };
}

/** The mark in a skipped test's name from which the reporter reads the reason. */
export function needs(what: string): string {
  return `[needs ${what}]`;
}

async function answer(probe: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await probe();
  } catch {
    return false;
  }
}
