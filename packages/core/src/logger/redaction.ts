/**
 * What may not be shown: one rule for log lines and for the explanation of a configuration.
 *
 * A value is secret when it is a `Secret` (recognised by a `Symbol.for` mark, so that a second copy
 * of the package is recognised too) or when its key is a well-known name of one.
 */

/** What stands in the place of a secret. */
export const REDACTED = "[secret]";

/** The mark on every `Secret`. */
const SECRET_MARK = Symbol.for("foundation.secret");

/** Whole names only: `token` is not here, since fencing tokens are no secrets and are wanted. */
const SECRET_KEY =
  /^(.*_)?(secrets?|password|passwd|passphrase|authorization|cookie|private_?key|api_?key|access_?token|refresh_?token|psk)$/i;

/** True for a `Secret` of any copy of this package. */
export function isSecretValue(value: unknown): boolean {
  return typeof value === "object" && value !== null && SECRET_MARK in value;
}

/** True when a key's name says that its value is secret, e.g. `secret`, `FOUNDATION_SECRET`, `apiKey`. */
export function isSecretKey(key: string): boolean {
  return SECRET_KEY.test(key);
}
