/**
 * What security asks of a configuration as a whole: pure. A node that others can reach is as safe as its secret.
 *
 * Rules: beyond loopback links are encrypted. In production they are moreover keyed by secrets that cannot be guessed, or by
 * certificates; the one way around is `security.insecure`, which is loud for as long as the node runs. A secret proves
 * membership to whoever listens in, so it can be tried offline: length is the whole of its strength.
 */
import type { ConfigProblem } from "@foundation/core/config";
import { isLoopback } from "@foundation/overlay";
import { limits } from "../limits.js";
import type { ResolvedConfig } from "./schema.js";

export interface SecurityFacts {
  readonly values: ResolvedConfig;
  /** The layer that set an option. */
  readonly layerOf: (path: string) => string;
  /** The application brings an authentication of its own: secrets are not looked at. */
  readonly ownAuthentication: boolean;
}

/** True when others than this machine's processes can reach the node. */
export function isExposed({ overlay }: ResolvedConfig): boolean {
  return !isLoopback(overlay.host);
}

/** How this node's links are protected; beyond loopback it is never nothing. */
export function isEncrypted(values: ResolvedConfig): boolean {
  const { tls = isExposed(values) ? "psk" : "off" } = values.security;
  return tls !== "off";
}

/** What must be changed before the node may start. */
export function securityProblems(facts: SecurityFacts): readonly ConfigProblem[] {
  const { values, layerOf } = facts;
  if (!isExposed(values)) return [];
  const { tls, insecure } = values.security;
  const problems: ConfigProblem[] = [];
  if (tls === "off") {
    problems.push({
      path: "security.tls",
      layer: layerOf("security.tls"),
      expected: `"psk" or certificates, since overlay.host (${values.overlay.host}) is beyond loopback`,
      found: '"off"',
      fix: 'Set "psk", or leave it out.',
    });
  }
  const mustBeStrong = values.profile !== "development" && insecure === undefined;
  if (mustBeStrong && typeof tls !== "object" && !facts.ownAuthentication && !isStrong(values)) {
    problems.push(weak(facts));
  }
  return problems;
}

/** What is allowed, and most likely not meant. */
export function securityWarnings({ values, ownAuthentication }: SecurityFacts): readonly string[] {
  const isMissing = values.security.secret === undefined && !ownAuthentication;
  if (!isExposed(values) || !isMissing) return [];
  return [
    `overlay.host (${values.overlay.host}) is beyond loopback and there is no security.secret: only processes of this ` +
      "user on this machine can join. Set FOUNDATION_SECRET to the same text on every machine.",
  ];
}

/** Said each minute while it is true. */
export function insecureNotice({ profile, overlay }: ResolvedConfig): string {
  return (
    `INSECURE: profile "${profile}" listens on ${overlay.host} with security.insecure "i-know": whoever guesses the ` +
    "secret is a member of this cluster. Set a secret made with `openssl rand -base64 32` and remove the option."
  );
}

/** True while `security.insecure` lets something through that is refused otherwise. */
export function isInsecure(facts: SecurityFacts): boolean {
  const { security, ...rest } = facts.values;
  const { insecure, ...strict } = security;
  if (insecure === undefined) return false;
  return securityProblems({ ...facts, values: { ...rest, security: strict } }).length > 0;
}

/** Each secret of a ring is a way in, so the weakest counts. */
function isStrong({ security: { secret } }: ResolvedConfig): boolean {
  if (secret === undefined) return false;
  return [secret].flat().every((each) => {
    const isLong = new TextEncoder().encode(each).length >= limits.strongSecretBytesMin;
    return isLong && new Set(each).size >= limits.strongSecretCharactersMin;
  });
}

function weak({ values, layerOf }: SecurityFacts): ConfigProblem {
  const { secret } = values.security;
  const bytes = limits.strongSecretBytesMin;
  const each = Array.isArray(secret) ? "secrets" : "a secret";
  return {
    path: "security.secret",
    layer: secret === undefined ? "none" : layerOf("security.secret"),
    expected:
      `${each} of ${bytes} random bytes or more, or security.tls with certificates, since profile ` +
      `"${values.profile}" listens beyond loopback (overlay.host ${values.overlay.host})`,
    found: secret === undefined ? "nothing" : "[secret], which is weaker",
    fix:
      `Make one with \`openssl rand -base64 ${bytes}\` and give it to every node as FOUNDATION_SECRET. ` +
      'On a network that nobody else can reach: security.insecure: "i-know".',
  };
}
