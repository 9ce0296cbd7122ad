/**
 * mtlsAuthentication: proof of membership by certificates that TLS has checked on both sides.
 *
 * TLS has proved to each end that the other holds a certificate of the cluster. What is left to prove is that the
 * handshake above it was spoken by those very ends: that nobody relays it from another connection. So a proof is
 * HMAC-SHA256 of the transcript under the connection's binding (RFC 9266), which only the two ends know.
 *
 * Invariant: without a binding nothing is accepted: on a connection without TLS this method proves nothing.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Authentication } from "@foundation/core";
import { bindingIn } from "../protocol/handshake/transcript.js";

const LABEL = "foundation mtls v1";
const BINDING_BYTES = 32;

export function mtlsAuthentication(): Authentication {
  const prove = (transcript: Uint8Array) =>
    createHmac("sha256", bindingIn(transcript)).update(LABEL).update(transcript).digest();
  return {
    method: "mtls",
    prove: (transcript) => new Uint8Array(prove(transcript)),
    verify: (transcript, proof) => {
      if (bindingIn(transcript).length !== BINDING_BYTES) return false;
      const right = prove(transcript);
      return proof.length === right.length && timingSafeEqual(right, proof);
    },
  };
}
