/**
 * hmacAuthentication: proof of membership by a shared secret.
 *
 * The key is HKDF-SHA256 (RFC 5869) of the secret with the cluster's name as salt, so one secret in two clusters gives
 * two keys. A proof is HMAC-SHA256 (RFC 2104) of the transcript. With several secrets the first proves and all are
 * accepted: add the new one everywhere, make it the first, remove the old one. Two nodes whose first secrets differ find
 * one that both have by the names of their keys, which are derived too and tell nothing of a strong secret.
 *
 * Invariants: verifying takes the same time for every proof, since all keys are tried, each compared in constant time; a
 * changed ring acts on the next call.
 */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { Authentication } from "../ports/authentication.js";
import { createKeyRing, isKeyRing, type KeyRing, type SecretList } from "./key-ring.js";
import type { Secret } from "./secret.js";

const KEY_BYTES = 32;
const NAME_BYTES = 8;
const INFO = "foundation hmac v1";
const NAME_INFO = "foundation key name v1";

/** One secret, several, or a key ring: the first proves, each is accepted. */
export type SecretSource = SecretList | KeyRing;

interface Key {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * Proves and checks membership of a cluster by its secret.
 *
 * @throws {ERR_INVALID_ARGUMENT} without a secret, with an empty one, or with more than 8.
 *
 * @example
 * ```ts
 * import { hmacAuthentication } from "@foundation/core"
 *
 * const authentication = hmacAuthentication(process.env["FOUNDATION_SECRET"] ?? "dev only", { cluster: "shop" })
 * const transcript = new TextEncoder().encode("both hellos")
 * console.log(authentication.verify(transcript, authentication.prove(transcript))) // true
 * ```
 */
export function hmacAuthentication(
  secret: SecretSource,
  options: { readonly cluster: string },
): Authentication {
  const ring = isKeyRing(secret) ? secret : createKeyRing(secret);
  let derivedFrom: readonly Secret[] | undefined;
  let derived: readonly [Key, ...Key[]];
  const keys = () => {
    if (derivedFrom !== ring.secrets) {
      derivedFrom = ring.secrets;
      derived = derivedFrom.map((each) => keyOf(each, options.cluster)) as [Key, ...Key[]];
    }
    return derived;
  };
  return {
    method: "hmac-sha256",
    get keyNames() {
      return keys().map(({ name }) => name);
    },
    prove: (transcript, keyName) => {
      const key = keys().find(({ name }) => name === keyName) ?? keys()[0];
      return new Uint8Array(sign(key.bytes, transcript));
    },
    verify: (transcript, proof) => {
      if (proof.length !== KEY_BYTES) return false;
      let accepted = false;
      for (const { bytes } of keys()) {
        const right = timingSafeEqual(sign(bytes, transcript), proof);
        accepted = right || accepted;
      }
      return accepted;
    },
  };
}

/**
 * The public name of a secret's key in a cluster: 16 hexadecimal digits, derived one way. It tells two nodes which secret
 * they share; a secret that can be guessed can be checked against it, as against any proof.
 */
export function keyNameOf(secret: Secret, cluster: string): string {
  return Buffer.from(hkdfSync("sha256", secret.reveal(), cluster, NAME_INFO, NAME_BYTES)).toString(
    "hex",
  );
}

function keyOf(secret: Secret, cluster: string): Key {
  const bytes = Buffer.from(hkdfSync("sha256", secret.reveal(), cluster, INFO, KEY_BYTES));
  return { name: keyNameOf(secret, cluster), bytes };
}

function sign(key: Buffer, transcript: Uint8Array): Buffer {
  return createHmac("sha256", key).update(transcript).digest();
}
