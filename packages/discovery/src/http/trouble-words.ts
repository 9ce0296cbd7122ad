/**
 * What Node's codes for a connection that failed mean, in words that say what to look at.
 */
import { HttpTrouble, type HttpTroubleKind } from "./http-client.js";

const CONNECTION: Readonly<Record<string, readonly [HttpTroubleKind, string]>> = {
  ECONNREFUSED: ["refused", "nothing listens there"],
  ECONNRESET: ["broken", "the connection was cut before the answer was whole"],
  EPIPE: ["broken", "the connection was cut before the answer was whole"],
  ENOTFOUND: ["name", "there is no such host name"],
  EAI_AGAIN: ["name", "the name server did not answer"],
  EHOSTUNREACH: ["unreachable", "there is no way to that host"],
  ENETUNREACH: ["unreachable", "there is no way to that network"],
  EADDRNOTAVAIL: ["unreachable", "this machine has no address to reach it from"],
  ETIMEDOUT: ["timeout", "the host did not accept the connection"],
  ENOENT: ["refused", "there is no such socket file"],
  EACCES: ["refused", "this user may not open the socket file"],
};

const TLS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet; look at this machine's clock",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by itself; give its CA",
  SELF_SIGNED_CERT_IN_CHAIN: "its CA is not trusted here; give its CA",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its CA is not trusted here; give its CA",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its CA is not trusted here; give its CA",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  EPROTO: "it does not speak TLS there (http:// instead of https://?)",
};

/** The trouble that an error of a socket means. */
export function troubleOf(error: unknown, isSecure: boolean): HttpTrouble {
  if (error instanceof HttpTrouble) return error;
  const { code = "", message = String(error) } = error as { code?: string; message?: string };
  const known = CONNECTION[code];
  if (known !== undefined) return new HttpTrouble(known[0], `${known[1]} (${code})`, error);
  const tls = TLS[code];
  if (tls !== undefined) return new HttpTrouble("tls", `${tls} (${code})`, error);
  if (code.startsWith("HPE_")) {
    const hint = isSecure ? "" : " (https:// instead of http://?)";
    return new HttpTrouble("broken", `the answer is no HTTP${hint} (${code})`, error);
  }
  const isTls = code.startsWith("ERR_TLS") || code.startsWith("ERR_SSL") || /\bTLS\b/.test(message);
  return new HttpTrouble(isTls ? "tls" : "broken", code === "" ? message : code, error);
}
