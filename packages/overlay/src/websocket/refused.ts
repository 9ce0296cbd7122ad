/**
 * Refused: what the errors of TLS, HTTP and closed connections mean, in the words of this package.
 *
 * No text of the other side is repeated: reasons are ours.
 */
import type { ConnectionEnd } from "@foundation/core";
import { CertificateProblem } from "./transport-tls.js";

export type RefusedCode =
  | "ERR_AUTHENTICATION_METHOD"
  | "ERR_BROWSER_ORIGIN"
  | "ERR_CERTIFICATE_REFUSED"
  | "ERR_HANDSHAKE_MALFORMED"
  | "ERR_HANDSHAKE_TIMEOUT"
  | "ERR_NOT_ENCRYPTED"
  | "ERR_TOO_MANY_HANDSHAKES"
  | "ERR_WRONG_SECRET";

export interface Refused {
  readonly code: RefusedCode;
  /** For people. */
  readonly reason: string;
  /** The name of the limit that was reached. */
  readonly limit?: string;
}

/** A connection that was refused before its first frame. */
export interface RefusedConnection extends Refused {
  readonly direction: "inbound" | "outbound";
  readonly remote: string;
  readonly by: "us" | "peer";
}

/** Told of each, so that it can be counted. */
export type OnRefused = (refused: RefusedConnection) => void;

/** Why a TLS handshake failed at the acceptor; undefined: the other side went, which is no offence. */
export function tlsRefusal(
  { code = "", message }: NodeJS.ErrnoException,
  authorizationError: Error | string | null | undefined,
): Refused | undefined {
  if (authorizationError !== null && authorizationError !== undefined) {
    return certificateRefused(codeOf(authorizationError));
  }
  switch (code) {
    case "ERR_SSL_BINDER_DOES_NOT_VERIFY":
      return { code: "ERR_WRONG_SECRET", reason: "its key for TLS is not one of this cluster" };
    case "ERR_SSL_HTTP_REQUEST":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
      return { code: "ERR_NOT_ENCRYPTED", reason: "it did not speak TLS, which this node demands" };
    case "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE":
      return certificateRefused("it showed none");
    case "ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM":
    case "ERR_SSL_NO_SHARED_CIPHER":
      return {
        code: "ERR_AUTHENTICATION_METHOD",
        reason: "it proves itself in another way in TLS",
      };
    case "ERR_TLS_HANDSHAKE_TIMEOUT":
      return undefined;
    default:
      if (!code.startsWith("ERR_SSL")) return undefined;
      if (/alert (bad certificate|unknown ca|certificate)/.test(message)) {
        return { code: "ERR_CERTIFICATE_REFUSED", reason: "it does not accept our certificate" };
      }
      return { code: "ERR_HANDSHAKE_MALFORMED", reason: `its TLS handshake failed (${code})` };
  }
}

/** Why HTTP failed at the acceptor, and what it is told; undefined: it went, or TLS has told. */
export function httpRefusal({
  code = "",
  ...error
}: NodeJS.ErrnoException): (Refused & { readonly answer?: string }) | undefined {
  if (/^ERR_HTTP_REQUEST_TIMEOUT$/.test(code)) {
    const reason = "it did not finish its request in time";
    return { code: "ERR_HANDSHAKE_TIMEOUT", reason, limit: "headersTimeoutMs" };
  }
  if (code === "HPE_HEADER_OVERFLOW") {
    const reason = "its request is larger than allowed";
    const answer = "431 Request Header Fields Too Large";
    return { code: "ERR_HANDSHAKE_MALFORMED", reason, limit: "headerBytesMax", answer };
  }
  if (!code.startsWith("HPE_")) return undefined;
  const { rawPacket } = error as { rawPacket?: Uint8Array };
  const answer = "400 Bad Request";
  if (rawPacket?.[0] === TLS_HANDSHAKE) {
    const reason = "it spoke TLS to a port without";
    return { code: "ERR_NOT_ENCRYPTED", reason, answer };
  }
  return { code: "ERR_HANDSHAKE_MALFORMED", reason: "it did not speak HTTP", answer };
}

/** The first byte of a TLS ClientHello's record (RFC 8446 §5.1). */
const TLS_HANDSHAKE = 0x16;

/**
 * What the error of a dial says of the other side's TLS; undefined: nothing. With `ERR_WRONG_SECRET`
 * another key of the ring may do.
 */
export function dialRefusal(
  error: NodeJS.ErrnoException,
): (Refused & { by: "us" | "peer" }) | undefined {
  const { code = "", message } = error;
  if (error instanceof CertificateProblem) {
    return { code: "ERR_CERTIFICATE_REFUSED", reason: error.message, by: "us" };
  }
  if (CERTIFICATE_CODES.test(code)) return { ...certificateRefused(code), by: "us" };
  if (/alert (illegal parameter|decrypt error|unknown psk identity)/.test(message)) {
    const reason = "none of our keys for TLS is known there";
    return { code: "ERR_WRONG_SECRET", reason, by: "peer" };
  }
  if (/wrong version number/.test(message)) {
    return { code: "ERR_NOT_ENCRYPTED", reason: "it did not speak TLS", by: "us" };
  }
  if (/alert (bad certificate|unknown ca|certificate)/.test(message)) {
    const reason = "it does not accept our certificate, or the lack of one";
    return { code: "ERR_CERTIFICATE_REFUSED", reason, by: "peer" };
  }
  if (/alert handshake failure/.test(message)) {
    const reason = "it wants another proof in TLS than ours";
    return { code: "ERR_AUTHENTICATION_METHOD", reason, by: "peer" };
  }
  return undefined;
}

/** Codes of OpenSSL's verification, as Node gives them. */
const CERTIFICATE_CODES =
  /^(CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|INVALID_|PATH_LENGTH|ERR_TLS_CERT|HOSTNAME_MISMATCH)/;

/** What the end of a connection that never proved itself says against its address. */
export function isFailure({ reason, detail }: ConnectionEnd): boolean {
  if (reason === "protocol") return true;
  return reason === "refused" && FAILURES.has(detail);
}

const FAILURES = new Set([
  "ERR_AUTHENTICATION_METHOD",
  "ERR_HANDSHAKE_MALFORMED",
  "ERR_HANDSHAKE_TIMEOUT",
  "ERR_NODE_KEY_MISMATCH",
  "ERR_WRONG_CLUSTER",
  "ERR_WRONG_SECRET",
]);

function certificateRefused(why: string): Refused {
  return { code: "ERR_CERTIFICATE_REFUSED", reason: `its certificate was refused: ${why}` };
}

function codeOf(problem: Error | string): string {
  if (typeof problem === "string") return problem;
  return (problem as NodeJS.ErrnoException).code ?? "it is not valid";
}
