/**
 * The forms in which AWS credentials come: JSON of the metadata services, XML of STS, the shared file.
 *
 * Pure: texts in, credentials out; `undefined` for what is not of the form.
 */
import { readXml, textAt } from "./xml.js";

/** Texts of a set of credentials, before they are made secrets. */
export interface PlainCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Wall-clock milliseconds. Absent: they do not expire. */
  readonly expiresAtMs?: number;
}

/** What the instance's and the container's metadata services answer. */
export function jsonCredentials(body: string): PlainCredentials | undefined {
  let found: Readonly<Record<string, unknown>>;
  try {
    found = (JSON.parse(body) ?? {}) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
  return credentials(
    found["AccessKeyId"],
    found["SecretAccessKey"],
    found["Token"],
    found["Expiration"],
  );
}

/** What AssumeRoleWithWebIdentity answers. */
export function stsCredentials(body: string): PlainCredentials | undefined {
  const root = readXml(body);
  if (root?.name !== "AssumeRoleWithWebIdentityResponse") return undefined;
  const at = (name: string): string | undefined =>
    textAt(root, "AssumeRoleWithWebIdentityResult", "Credentials", name);
  return credentials(
    at("AccessKeyId"),
    at("SecretAccessKey"),
    at("SessionToken"),
    at("Expiration"),
  );
}

/** The profile of a file in the form of `~/.aws/credentials`. */
export function fileCredentials(text: string, profile: string): PlainCredentials | undefined {
  const values = new Map<string, string>();
  let isProfile = false;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*(?:profile\s+)?(.+?)\s*\]/.exec(line);
    if (section !== null) isProfile = section[1] === profile;
    const pair = /^\s*([a-z_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (isProfile && pair !== null) values.set(pair[1] ?? "", pair[2] ?? "");
  }
  return credentials(
    values.get("aws_access_key_id"),
    values.get("aws_secret_access_key"),
    values.get("aws_session_token"),
    undefined,
  );
}

/** The form of the request for a role by a token of another identity provider. */
export function webIdentityForm(role: string, session: string, token: string): string {
  return new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: role,
    RoleSessionName: session,
    WebIdentityToken: token,
  }).toString();
}

function credentials(
  id: unknown,
  secret: unknown,
  token: unknown,
  expiration: unknown,
): PlainCredentials | undefined {
  if (!isText(id) || !isText(secret)) return undefined;
  const expiresAtMs = isText(expiration) ? timeOf(expiration) : undefined;
  if (isText(expiration) && expiresAtMs === undefined) return undefined;
  return {
    accessKeyId: id,
    secretAccessKey: secret,
    ...(isText(token) && { sessionToken: token }),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  };
}

/** `2026-11-22T21:00:00Z`, with or without fractions, in milliseconds since 1970. */
function timeOf(text: string): number | undefined {
  const ms = new Date(text).getTime();
  return Number.isNaN(ms) ? undefined : ms;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
