/**
 * assert: states an invariant and stops when it does not hold.
 *
 * Only for what cannot happen unless this code is wrong; what the world may do wrong is a
 * FoundationError. Kept in production: a broken invariant that goes on corrupts more than it saves.
 */

/** @throws Error naming the invariant, when `condition` is not true. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`Invariant broken: ${invariant}`);
}
