/** What LAN strategies take as secret: their own option, else the cluster's. */
import {
  createKeyRing,
  isKeyRing,
  type DiscoveryContext,
  type KeyRing,
  type Secret,
  type SecretSource,
} from "@foundation/core";
import { discoveryErrors } from "../errors.js";

/** The secrets to use, read anew each time: a key ring changes while the strategy runs. */
export type SecretReader = () => readonly string[];

/** Checked when the strategy is made. @throws {ERR_INVALID_ARGUMENT} for an empty secret, or more than 8 */
export function checkedSecret(secret: SecretSource | undefined): KeyRing | undefined {
  if (secret === undefined) return undefined;
  return isKeyRing(secret) ? secret : createKeyRing(secret);
}

/** The strategy's own secrets where it has some, else the cluster's. */
export function secretReader(ring: KeyRing | undefined, context: DiscoveryContext): SecretReader {
  if (ring === undefined) return () => context.secrets;
  let revealedOf: readonly Secret[] | undefined;
  let revealed: readonly string[] = [];
  return () => {
    if (revealedOf !== ring.secrets) {
      revealedOf = ring.secrets;
      revealed = revealedOf.map((each) => each.reveal());
    }
    return revealed;
  };
}

/** Without a secret a node of a network says nothing and believes nothing. */
export function secretMissing(strategy: string): Error {
  return discoveryErrors.ERR_LAN_SECRET_MISSING(
    `"${strategy}" needs a secret that all nodes of the cluster share: without one, anybody on this network could ` +
      "name himself a peer. Nothing is announced and nobody is found. Set FOUNDATION_SECRET to the same long random " +
      "text on every node, e.g. of `openssl rand -base64 32`.",
    { strategy },
  );
}
