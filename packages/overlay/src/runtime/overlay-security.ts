/**
 * securityOf: what the options say about secrets, TLS and the node's key, decided in one place before anything listens.
 *
 * On loopback both ends are one machine's processes: a mutual proof of the secret over the handshake, no encryption.
 * Beyond it: TLS 1.3, by the secret or by certificates, and a key of the node's own. A transport that is given (a
 * simulation's, a test's) brings its own protection, or needs none.
 */
import {
  coreErrors,
  createKeyRing,
  hmacAuthentication,
  isKeyRing,
  loadNodeKey,
  type Authentication,
  type KeyRing,
  type NodeKey,
  type Runtime,
} from "@foundation/core";
import type { OverlayOptions } from "../overlay-options.js";
import { isLoopback } from "../websocket/hosts.js";
import type { TransportTls } from "../websocket/transport-tls.js";
import { mtlsAuthentication } from "./mtls-authentication.js";

export interface OverlaySecurity {
  readonly authentication: Authentication;
  /** Of the WebSocket transport; undefined: none. */
  readonly tls: TransportTls | undefined;
  /** The node's own key, kept where there is storage; undefined: nothing is signed. */
  nodeKey(): Promise<NodeKey | undefined>;
}

/** @throws {ERR_INVALID_ARGUMENT} when there is nothing to prove membership with. */
export function securityOf(options: OverlayOptions, runtime: Runtime): OverlaySecurity {
  const { secret, identity, host = "127.0.0.1" } = options;
  const keys = secret === undefined || isKeyRing(secret) ? secret : createKeyRing(secret);
  const ownTransport = runtime.transport !== undefined;
  const tls = ownTransport ? undefined : tlsOf(options, host, keys);
  const needsKey = !ownTransport && !isLoopback(host);
  return {
    authentication: runtime.authentication ?? authenticationOf(options, keys, tls),
    tls,
    nodeKey: async () => identity?.key ?? (needsKey ? loadNodeKey(runtime) : undefined),
  };
}

function tlsOf(
  { cluster, tls }: OverlayOptions,
  host: string,
  keys: KeyRing | undefined,
): TransportTls | undefined {
  const kind = tls ?? (isLoopback(host) ? "off" : "psk");
  if (typeof kind === "object") return { type: "certificates", cluster, certificates: kind };
  switch (kind) {
    case "off":
      return undefined;
    case "psk":
      if (keys !== undefined) return { type: "psk", cluster, keys };
      throw missing(
        "the cluster's secret, from which the key for TLS is made, or certificates as tls",
      );
    default:
      kind satisfies never;
      throw invalid("tls", '"psk", "off" or { cert, key, ca }', String(kind));
  }
}

function authenticationOf(
  { cluster }: OverlayOptions,
  keys: KeyRing | undefined,
  tls: TransportTls | undefined,
): Authentication {
  if (keys !== undefined) return hmacAuthentication(keys, { cluster });
  // Only where this package's own transport has checked them do certificates prove anything.
  if (tls?.type === "certificates") return mtlsAuthentication();
  throw missing("the cluster's secret, or runtime.authentication instead of it");
}

function missing(expected: string): Error {
  return invalid("secret", expected, "nothing");
}

function invalid(argument: string, expected: string, found: string): Error {
  const message = `${argument} must be ${expected}, found ${found.slice(0, 80)}`;
  return coreErrors.ERR_INVALID_ARGUMENT(message, {
    argument,
    expected,
    found: found.slice(0, 80),
  });
}
