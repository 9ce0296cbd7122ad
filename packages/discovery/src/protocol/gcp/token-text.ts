/**
 * The forms of Google's access tokens: a service account's key file, the claims it signs, and what is given for them.
 *
 * Pure. https://developers.google.com/identity/protocols/oauth2/service-account; RFC 7523.
 */

/** The parts of a key file that are used. */
export interface ServiceAccountKey {
  readonly email: string;
  /** PEM. */
  readonly privateKey: string;
  readonly keyId: string | undefined;
  readonly tokenUri: string;
  readonly project: string | undefined;
}

/** Reads a key file. @returns a text that says what is wrong with it, when it cannot be used */
export function readKeyFile(text: string): ServiceAccountKey | string {
  let found: Readonly<Record<string, unknown>>;
  try {
    found = (JSON.parse(text) ?? {}) as Readonly<Record<string, unknown>>;
  } catch {
    return "it is no JSON";
  }
  const type = found["type"];
  if (type !== "service_account") {
    return `it is of the type ${JSON.stringify(type)}, and only a service account's key can be used`;
  }
  const [email, privateKey] = [found["client_email"], found["private_key"]];
  if (typeof email !== "string" || typeof privateKey !== "string") {
    return "it has no client_email or no private_key";
  }
  const tokenUri = found["token_uri"] ?? TOKEN_URI;
  if (typeof tokenUri !== "string" || !tokenUri.startsWith("https://")) {
    return "its token_uri is no https:// address";
  }
  const [keyId, project] = [found["private_key_id"], found["project_id"]];
  return {
    email,
    privateKey,
    keyId: typeof keyId === "string" ? keyId : undefined,
    tokenUri,
    project: typeof project === "string" ? project : undefined,
  };
}

const TOKEN_URI = "https://oauth2.googleapis.com/token";
const SCOPE = "https://www.googleapis.com/auth/compute.readonly";
/** By Google's own limit. */
const LIFE_S = 3_600;

/** What a service account signs: header and claims, each in base64url, with a point between. */
export function unsignedAssertion(
  key: ServiceAccountKey,
  wallMs: number,
  base64url: (text: string) => string,
): string {
  const issuedAt = Math.floor(wallMs / 1_000);
  const header = { alg: "RS256", typ: "JWT", ...(key.keyId !== undefined && { kid: key.keyId }) };
  const claims = {
    iss: key.email,
    scope: SCOPE,
    aud: key.tokenUri,
    iat: issuedAt,
    exp: issuedAt + LIFE_S,
  };
  return `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
}

/** The form that asks for a token. */
export function assertionForm(assertion: string): string {
  return new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    assertion,
  }).toString();
}

/** A token and how long it holds. */
export function readToken(
  body: string,
): { readonly token: string; readonly lifeMs: number } | undefined {
  try {
    const found = (JSON.parse(body) ?? {}) as Readonly<Record<string, unknown>>;
    const [token, seconds] = [found["access_token"], found["expires_in"]];
    if (typeof token !== "string" || token === "" || typeof seconds !== "number") return undefined;
    return { token, lifeMs: seconds * 1_000 };
  } catch {
    return undefined;
  }
}
