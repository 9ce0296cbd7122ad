/**
 * assert: invariants of the pure code, kept in production. A failure is a bug of ours, never an
 * operating error.
 */
export function assert(condition: boolean, why: string): asserts condition {
  if (!condition) throw new Error(`Invariant violated: ${why}`);
}
