/**
 * invariant: states what must be true at this point of a protocol, kept in production.
 *
 * A failure is a bug in this package, never something a peer or a user can cause: those get a
 * refusal or a typed error.
 */
export function invariant(condition: boolean, why: string): asserts condition {
  if (!condition) throw new Error(`crdt: broken invariant: ${why}`);
}
