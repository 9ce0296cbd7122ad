/**
 * TrustingAuthentication: the twin of Authentication for nodes that need not be safe from anybody.
 *
 * A proof is a fast hash of the secret and the transcript: wrong secrets and changed transcripts are refused as by the
 * real one, and a thousand simulated nodes do not spend their time on cryptography. It protects nothing.
 */
import type { Authentication } from "../ports/authentication.js";

/** Proofs that are cheap and prove nothing to an attacker. @param secret default: the empty text */
export function trustingAuthentication(secret = ""): Authentication {
  const key = new TextEncoder().encode(secret);
  const prove = (transcript: Uint8Array): Uint8Array => {
    const proof = new Uint8Array(16);
    const view = new DataView(proof.buffer);
    for (let word = 0; word < 4; word++) {
      let hash = 0x811c9dc5 ^ Math.imul(word + 1, 0x9e3779b9);
      for (const bytes of [key, transcript]) {
        hash = Math.imul(hash ^ bytes.length, 0x01000193);
        for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
      }
      view.setUint32(word * 4, hash ^ (hash >>> 15));
    }
    return proof;
  };
  return {
    method: "trusting",
    prove,
    verify: (transcript, proof) => {
      const expected = prove(transcript);
      return proof.length === expected.length && expected.every((byte, i) => byte === proof[i]);
    },
  };
}
