/**
 * Transcript: the bytes both sides prove the secret over.
 *
 * It holds the role of the prover, so that a proof cannot be reflected; both hellos exactly as they
 * crossed the wire, with a fresh nonce of each side, so that it can be neither replayed nor used
 * for other identities, versions or channels; and the binding of the connection where TLS gives
 * one, so that it cannot be relayed. Every part is preceded by its length, so that no two different
 * lists of parts give the same bytes.
 */
export type Role = "dialer" | "acceptor";

const encoder = new TextEncoder();
const LABEL = encoder.encode("foundation overlay handshake 1");
const ROLES: Readonly<Record<Role, Uint8Array>> = {
  dialer: encoder.encode("dialer"),
  acceptor: encoder.encode("acceptor"),
};
const UNBOUND = new Uint8Array(0);
const PARTS = 5;

export function transcriptOf(
  prover: Role,
  hello: Uint8Array,
  challenge: Uint8Array,
  binding: Uint8Array | undefined,
): Uint8Array {
  const parts = [LABEL, ROLES[prover], hello, challenge, binding ?? UNBOUND];
  const sizeBytes = parts.reduce((sum, part) => sum + 4 + part.length, 0);
  const transcript = new Uint8Array(sizeBytes);
  const view = new DataView(transcript.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length);
    transcript.set(part, at + 4);
    at += 4 + part.length;
  }
  return transcript;
}

/** The connection's binding in a transcript; empty without TLS, or when the bytes are no transcript. */
export function bindingIn(transcript: Uint8Array): Uint8Array {
  const view = new DataView(transcript.buffer, transcript.byteOffset, transcript.byteLength);
  let at = 0;
  for (let part = 0; part < PARTS && at + 4 <= transcript.length; part += 1) {
    const end = at + 4 + view.getUint32(at);
    if (part === PARTS - 1 && end === transcript.length) return transcript.subarray(at + 4);
    at = end;
  }
  return UNBOUND;
}

export function bytesOfHex(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i += 1) {
    bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}
