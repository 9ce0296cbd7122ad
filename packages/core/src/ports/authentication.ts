/**
 * Authentication: proves membership in the cluster over a transcript of the handshake.
 *
 * Guarantees: synchronous and deterministic for a given key; a proof is bound to every byte of the transcript; `verify`
 * takes the same time for every wrong proof. The handshake puts fresh nonces of both sides, both identities and the role
 * of the prover into the transcript, so a proof can be neither replayed nor reflected.
 */
export interface Authentication {
  /** Named in the hello; both sides must use the same: `hmac-sha256`. */
  readonly method: string;
  prove(transcript: Uint8Array): Uint8Array;
  verify(transcript: Uint8Array, proof: Uint8Array): boolean;
}
