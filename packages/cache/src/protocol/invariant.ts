/** What cannot be unless this package is wrong; kept in production, since a cache that goes on wrongly lies. */

/** @throws Error naming the invariant, when `condition` is not true. */
export function invariant(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`Invariant broken: ${what}`);
}
