/**
 * Certificates of a test: an authority and what it signs, as DER by hand (RFC 5280), so that a test needs no program of
 * the machine and can have one that has expired.
 */
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import type { NodeCertificates } from "../../src/index.js";

const ECDSA_SHA256 = Buffer.from("300a06082a8648ce3d040302", "hex");
const COMMON_NAME = Buffer.from("0603550403", "hex");
const BASIC_CONSTRAINTS_CA = Buffer.from("300f0603551d130101ff040530030101ff", "hex");
const SUBJECT_ALT_NAME = Buffer.from("0603551d11", "hex");
const DAY_MS = 86_400_000;

export class Authority {
  readonly #keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  readonly #name: string;
  readonly pem: string;

  constructor(name = "test authority") {
    this.#name = name;
    this.pem = pemOf(
      "CERTIFICATE",
      this.#signed(name, this.#keys.publicKey, {}, [BASIC_CONSTRAINTS_CA]),
    );
  }

  /** What a node needs. @param uri its subject alternative name; `days`: how long it is good for, from yesterday on */
  certificates(
    uri: string,
    options: { readonly days?: number; readonly dns?: string } = {},
  ): NodeCertificates {
    const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { dns } = options;
    const names = [der(0x86, Buffer.from(uri))];
    if (dns !== undefined) names.unshift(der(0x82, Buffer.from(dns)));
    const san = der(0x30, SUBJECT_ALT_NAME, der(0x04, der(0x30, ...names)));
    const cert = pemOf("CERTIFICATE", this.#signed("node", keys.publicKey, options, [san]));
    const key = keys.privateKey.export({ type: "pkcs8", format: "pem" });
    return { cert, key: key as string, ca: this.pem };
  }

  #signed(
    subject: string,
    publicKey: KeyObject,
    { days = 2 }: { readonly days?: number },
    extensions: readonly Buffer[],
  ): Buffer {
    const fromMs = Date.now() - DAY_MS;
    const body = der(
      0x30,
      der(0xa0, Buffer.from("020102", "hex")),
      der(0x02, Buffer.concat([Buffer.of(1), randomBytes(15)])),
      ECDSA_SHA256,
      nameOf(this.#name),
      der(0x30, timeOf(fromMs), timeOf(fromMs + days * DAY_MS)),
      nameOf(subject),
      publicKey.export({ type: "spki", format: "der" }),
      der(0xa3, der(0x30, ...extensions)),
    );
    const signature = sign("sha256", body, this.#keys.privateKey);
    return der(0x30, body, ECDSA_SHA256, der(0x03, Buffer.of(0), signature));
  }
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const head =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...head), body]);
}

function nameOf(text: string): Buffer {
  return der(0x30, der(0x31, der(0x30, COMMON_NAME, der(0x0c, Buffer.from(text)))));
}

/** GeneralizedTime: YYYYMMDDHHMMSSZ. */
function timeOf(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, "").slice(0, 14);
  return der(0x18, Buffer.from(`${digits}Z`));
}

function pemOf(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
