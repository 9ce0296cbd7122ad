/**
 * invariant: states what must be true at this point of the protocol, kept in production.
 *
 * A failure is a bug in this package or a disk that broke its word, never something a peer or a
 * user can cause: those get a refusal. A member whose invariant failed must stop: going on could
 * commit two different entries at one index.
 */
export function invariant(condition: boolean, why: string): asserts condition {
  if (!condition) throw new Error(`consensus: broken invariant: ${why}`);
}
