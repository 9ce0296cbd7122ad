/**
 * hmacAuthentication: proof of membership by a shared secret.
 *
 * The key is HKDF-SHA256 (RFC 5869) of the secret with the cluster's name as salt, so one secret in two clusters gives
 * two keys. A proof is HMAC-SHA256 (RFC 2104) of the transcript. With several secrets the first proves and all are
 * accepted: add the new one everywhere, make it the first, remove the old one.
 *
 * Invariant: verifying takes the same time for every proof: all keys are tried, each compared in constant time.
 */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { coreErrors } from "../errors/errors.js";
import type { Authentication } from "../ports/authentication.js";
import { runtimeLimits } from "./limits.js";
import { isSecret, Secret } from "./secret.js";

const KEY_BYTES = 32;
const INFO = "foundation hmac v1";

/** One secret, or a key ring: the first proves, each is accepted. */
export type SecretSource = Secret | string | readonly (Secret | string)[];

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
  const keys = secretsOf(secret).map((each) =>
    Buffer.from(hkdfSync("sha256", each.reveal(), options.cluster, INFO, KEY_BYTES)),
  );
  const [first] = keys;
  if (!first || keys.length > runtimeLimits.secretsMax) {
    const expected = `one to ${runtimeLimits.secretsMax} secrets`;
    throw coreErrors.ERR_INVALID_ARGUMENT(`secret must be ${expected}, found ${keys.length}`, {
      argument: "secret",
      expected,
      found: `${keys.length} secrets`,
    });
  }
  return {
    method: "hmac-sha256",
    prove: (transcript) => new Uint8Array(sign(first, transcript)),
    verify: (transcript, proof) => {
      if (proof.length !== KEY_BYTES) return false;
      let accepted = false;
      for (const key of keys) {
        const right = timingSafeEqual(sign(key, transcript), proof);
        accepted = right || accepted;
      }
      return accepted;
    },
  };
}

function secretsOf(source: SecretSource): readonly Secret[] {
  const list: readonly (Secret | string)[] =
    typeof source === "string" || isSecret(source) ? [source] : source;
  return list.map((each) => (isSecret(each) ? each : new Secret(each)));
}

function sign(key: Buffer, transcript: Uint8Array): Buffer {
  return createHmac("sha256", key).update(transcript).digest();
}
