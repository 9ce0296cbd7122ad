/**
 * Authentication: proves membership in the cluster over a transcript of the handshake. NodeKey: proves which node of the
 * cluster it is.
 *
 * Guarantees: synchronous and deterministic for a given key; a proof is bound to every byte of the transcript; `verify`
 * takes the same time for every wrong proof. The handshake puts fresh nonces of both sides, both identities and the role
 * of the prover into the transcript, so a proof can be neither replayed nor reflected.
 */
export interface Authentication {
  /** Named in the hello; both sides must use the same: `hmac-sha256`. */
  readonly method: string;
  /**
   * Public names of the keys that are accepted, the preferred one first: the two sides find one that both have. At most
   * 8 names of 1 to 32 hexadecimal digits. Absent: there is one key, and it needs no name.
   */
  readonly keyNames?: readonly string[];
  /** With the key of that name where there is one, else with the preferred one. */
  prove(transcript: Uint8Array, keyName?: string): Uint8Array;
  verify(transcript: Uint8Array, proof: Uint8Array): boolean;
}

/**
 * A node's own key pair, so that one member cannot pass for another: all know the secret, one knows this key.
 *
 * Guarantees: synchronous; a signature is bound to every byte; what is not public is never shown.
 */
export interface NodeKey {
  /** Ed25519 (RFC 8032), 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes. */
  sign(transcript: Uint8Array): Uint8Array;
}
