/**
 * Random: all chance in Foundation comes through here, so that one seed replays a whole cluster.
 *
 * Guarantees: a fork is independent of its parent and of forks with other labels; with a seeded source, the same seed
 * and the same calls give the same numbers. `secret` is fit for keys and nonces on a real node; a simulation's is not.
 */
export interface Random {
  /** A float in [0, 1). Not for secrets. */
  next(): number;
  /** An integer in [0, 2^32). Not for secrets. */
  uint32(): number;
  /** An independent source for one subsystem, so that a new draw in one does not shift another's. */
  fork(label: string): Random;
  /** `sizeBytes` bytes fit for keys, nonces and ids. */
  secret(sizeBytes: number): Uint8Array;
}
