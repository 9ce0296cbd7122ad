import { describe, expect, test } from "@jest/globals";
import { dialRefusal, httpRefusal, isFailure, tlsRefusal } from "../../../src/websocket/refused.js";
import { CertificateProblem } from "../../../src/websocket/transport-tls.js";

const failed = (code: string, message = "") => Object.assign(new Error(message), { code });

describe("what an error says of a stranger", () => {
  test.each([
    ["ERR_SSL_BINDER_DOES_NOT_VERIFY", "ERR_WRONG_SECRET"],
    ["ERR_SSL_HTTP_REQUEST", "ERR_NOT_ENCRYPTED"],
    ["ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE", "ERR_CERTIFICATE_REFUSED"],
    ["ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM", "ERR_AUTHENTICATION_METHOD"],
    ["ERR_SSL_UNSUPPORTED_PROTOCOL", "ERR_HANDSHAKE_MALFORMED"],
    ["ECONNRESET", undefined],
    ["ERR_TLS_HANDSHAKE_TIMEOUT", undefined],
  ])("in TLS: %s is %s", (code, expected) => {
    expect(tlsRefusal(failed(code), undefined)?.code).toBe(expected);
  });

  test("in TLS: what verification found wrong with its certificate, by its code", () => {
    const refused = tlsRefusal(failed("ECONNRESET"), failed("CERT_HAS_EXPIRED"));
    expect(refused).toMatchObject({ code: "ERR_CERTIFICATE_REFUSED" });
    expect(refused?.reason).toContain("CERT_HAS_EXPIRED");
  });

  test.each([
    ["HPE_INVALID_METHOD", Uint8Array.of(0x16, 3, 1), "ERR_NOT_ENCRYPTED", undefined],
    ["HPE_INVALID_METHOD", Uint8Array.of(1), "ERR_HANDSHAKE_MALFORMED", undefined],
    ["HPE_HEADER_OVERFLOW", undefined, "ERR_HANDSHAKE_MALFORMED", "headerBytesMax"],
    ["ERR_HTTP_REQUEST_TIMEOUT", undefined, "ERR_HANDSHAKE_TIMEOUT", "headersTimeoutMs"],
    ["ECONNRESET", undefined, undefined, undefined],
    ["ERR_SSL_HTTP_REQUEST", undefined, undefined, undefined],
  ])("in HTTP: %s of %j is %s by the limit %s", (code, rawPacket, expected, limit) => {
    const refused = httpRefusal(Object.assign(failed(code), { rawPacket }));
    expect([refused?.code, refused?.limit]).toEqual([expected, limit]);
  });

  test.each([
    [{ reason: "protocol", detail: "" }, true],
    [{ reason: "refused", detail: "ERR_WRONG_SECRET" }, true],
    [{ reason: "refused", detail: "ERR_HANDSHAKE_TIMEOUT" }, true],
    [{ reason: "refused", detail: "ERR_DUPLICATE_LINK" }, false],
    [{ reason: "refused", detail: "ERR_CLOCK_SKEW" }, false],
    [{ reason: "closed", detail: "ERR_WRONG_SECRET" }, false],
    [{ reason: "lost", detail: "" }, false],
  ] as const)("at its end: %j is a failure: %s", (end, expected) => {
    expect(isFailure(end)).toBe(expected);
  });
});

describe("what an error says to a dialer", () => {
  test.each([
    ["EPROTO", "sslv3 alert illegal parameter", "ERR_WRONG_SECRET by peer"],
    ["EPROTO", "tlsv1 alert decrypt error", "ERR_WRONG_SECRET by peer"],
    ["EPROTO", "wrong version number", "ERR_NOT_ENCRYPTED by us"],
    ["EPROTO", "tlsv13 alert certificate required", "ERR_CERTIFICATE_REFUSED by peer"],
    ["EPROTO", "sslv3 alert handshake failure", "ERR_AUTHENTICATION_METHOD by peer"],
    ["CERT_HAS_EXPIRED", "certificate has expired", "ERR_CERTIFICATE_REFUSED by us"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "self-signed", "ERR_CERTIFICATE_REFUSED by us"],
  ])("%s %s is %s", (code, message, expected) => {
    const refused = dialRefusal(failed(code, message));
    expect(`${refused?.code} by ${refused?.by}`).toBe(expected);
  });

  test("nothing, when the network failed", () => {
    expect(dialRefusal(failed("ECONNREFUSED"))).toBeUndefined();
    expect(dialRefusal(failed("ECONNRESET", "socket hang up"))).toBeUndefined();
  });

  test("that a certificate TLS accepts is not this cluster's", () => {
    const refused = dialRefusal(new CertificateProblem("it names another cluster"));
    expect(refused).toEqual({
      code: "ERR_CERTIFICATE_REFUSED",
      reason: "it names another cluster",
      by: "us",
    });
  });
});
