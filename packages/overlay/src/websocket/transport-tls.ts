/**
 * TransportTls: TLS 1.3 of the transport, in its two kinds.
 *
 * `psk`: an external pre-shared key (RFC 8446 §2.2, §4.2.11) derived from the cluster's secret: no certificate, forward
 * secrecy by (EC)DHE, and a wrong secret fails before one byte of HTTP is parsed. psk = HKDF-SHA256(secret, salt: the
 * cluster, info: "foundation psk v1"). The identity names the key, not the node. An unknown identity gets random bytes,
 * so it fails exactly as a wrong key does.
 *
 * `certificates`: both sides show one, of the given authority, in force, with a subject alternative name
 * `URI:foundation://<cluster>/…`: an authority signs for more than one cluster.
 *
 * Invariants: no session is resumed, so a key or certificate is checked at every connection; a dialer with a key accepts
 * no certificate in its place, whoever signed it.
 */
import {
  constants,
  createHash,
  hkdfSync,
  randomBytes,
  X509Certificate,
  type BinaryLike,
} from "node:crypto";
import type { ServerOptions } from "node:https";
import {
  createSecureContext,
  type ConnectionOptions,
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import { coreErrors, keyNameOf, type KeyRing, type Secret } from "@foundation/core";
import { SERVER } from "./options.js";

/** One PEM text, or its bytes. */
export type Pem = string | Uint8Array;

/** This node's certificate, and the authority that signs every node's. */
export interface NodeCertificates {
  /** The certificate, and those between it and the authority: PEM. */
  readonly cert: Pem;
  /** Its private key: PEM. Never printed. */
  readonly key: Pem;
  /** The authorities that sign nodes of this cluster, and no others: PEM. */
  readonly ca: Pem | readonly Pem[];
}

/** How a transport encrypts. */
export type TransportTls =
  | { readonly type: "psk"; readonly cluster: string; readonly keys: KeyRing }
  | {
      readonly type: "certificates";
      readonly cluster: string;
      readonly certificates: NodeCertificates;
    };

const PSK_BYTES = 32;
const PSK_INFO = "foundation psk v1";
/** The hash of an external key is SHA-256 (RFC 8446 §4.2.11), so the cipher suite is one with it. */
const PSK_CIPHERS = "TLS_AES_128_GCM_SHA256:PSK";
const BINDING_BYTES = 32;

/** What a server of this kind is made with. @throws {ERR_INVALID_ARGUMENT} for certificates that are none. */
export function serverTls(tls: TransportTls): ServerOptions {
  const common = {
    minVersion: "TLSv1.3",
    handshakeTimeout: SERVER.tlsTimeoutMs,
    secureOptions: constants.SSL_OP_NO_TICKET,
  } as const;
  if (tls.type === "psk") {
    const { keys, cluster } = tls;
    return {
      ...common,
      ciphers: PSK_CIPHERS,
      pskCallback: (_, identity) => pskOf(keys, cluster, identity),
    };
  }
  contextOf(tls);
  return { ...common, ...pemOf(tls.certificates), requestCert: true, rejectUnauthorized: true };
}

/** Everything a dialer of this kind hands to `tls.connect`; made once, since it is costly. */
export function contextOf(tls: TransportTls): SecureContext {
  const common = { minVersion: "TLSv1.3" } as const;
  // No authority at all: else the ones Node brings could vouch for whoever ignores the key.
  if (tls.type === "psk") return createSecureContext({ ...common, ciphers: PSK_CIPHERS, ca: [] });
  try {
    return createSecureContext({ ...common, ...pemOf(tls.certificates) });
  } catch (error) {
    const found = (error as Error).message.slice(0, 120);
    const expected = "a certificate, its private key and the authority's certificate as PEM";
    throw coreErrors.ERR_INVALID_ARGUMENT(`tls must be ${expected}, found: ${found}`, {
      argument: "tls",
      expected,
      found,
    });
  }
}

/** A dial with one key of the ring; undefined with certificates. */
export function clientTls(
  tls: TransportTls,
  secureContext: SecureContext,
  secret: Secret | undefined,
): ConnectionOptions {
  if (tls.type === "certificates" || secret === undefined) {
    const check = (_host: string, { raw }: PeerCertificate) => {
      if (namesCluster(raw, tls.cluster)) return undefined;
      return new CertificateProblem(`its certificate does not name ${sanOf(tls.cluster)}`);
    };
    return { secureContext, servername: "", checkServerIdentity: check };
  }
  const identity = identityOf(tls.cluster, keyNameOf(secret, tls.cluster));
  const psk = derive(secret, tls.cluster);
  return {
    secureContext,
    servername: "",
    pskCallback: () => ({ psk, identity }),
    // Called only where a certificate was accepted, so where the key was not used.
    checkServerIdentity: () =>
      new CertificateProblem("it showed a certificate instead of the cluster's key"),
  };
}

/** A certificate that TLS accepts and this cluster does not. */
export class CertificateProblem extends Error {}

/** 32 bytes that only the two ends of this TLS connection know (RFC 9266, `tls-exporter`). */
export function bindingOf(socket: TLSSocket): Uint8Array {
  return socket.exportKeyingMaterial(BINDING_BYTES, "EXPORTER-Channel-Binding", Buffer.alloc(0));
}

/** True when the certificate has `URI:foundation://<cluster>/…` among its alternative names. */
export function namesCluster(raw: BinaryLike | undefined, cluster: string): boolean {
  if (raw === undefined) return false;
  const { subjectAltName = "" } = new X509Certificate(raw as Buffer);
  // Names with separators in them are quoted: what stands in quotes is no name of its own.
  const names = subjectAltName.replace(/"(?:[^"\\]|\\.)*"/g, "").split(", ");
  return names.some((name) => name.startsWith(`URI:${sanOf(cluster)}`));
}

/** `foundation://<cluster>/`, the cluster percent-encoded. */
export function sanOf(cluster: string): string {
  return `foundation://${encodeURIComponent(cluster).replaceAll("'", "%27")}/`;
}

/** `v1:<cluster>:<key name>`; a cluster's name that is long or strange goes by its hash. */
export function identityOf(cluster: string, keyName: string): string {
  const isPlain = /^[\w.@/-]{1,64}$/.test(cluster);
  const name = isPlain
    ? cluster
    : `#${createHash("sha256").update(cluster).digest("hex").slice(0, 32)}`;
  return `v1:${name}:${keyName}`;
}

function pskOf(keys: KeyRing, cluster: string, identity: string): Buffer {
  const secret = keys.secrets.find(
    (each) => identityOf(cluster, keyNameOf(each, cluster)) === identity,
  );
  return secret === undefined ? randomBytes(PSK_BYTES) : derive(secret, cluster);
}

function derive(secret: Secret, cluster: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret.reveal(), cluster, PSK_INFO, PSK_BYTES));
}

function pemOf({ cert, key, ca }: NodeCertificates) {
  const bytes = (pem: Pem) => (typeof pem === "string" ? pem : Buffer.from(pem));
  const authorities = typeof ca === "string" || ca instanceof Uint8Array ? [ca] : ca;
  return { cert: bytes(cert), key: bytes(key), ca: authorities.map(bytes) };
}
