/**
 * checkSignature: whether a request is signed as AWS demands, computed anew from AWS's description of Signature Version 4,
 * without the library that signs.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { ServedRequest } from "../http/in-memory-http.js";

export interface SignatureFacts {
  readonly secret: string;
  readonly region: string;
  readonly service: string;
}

/** The access key that a request names. */
export function accessKeyOf(request: ServedRequest): string | undefined {
  return AUTHORIZATION.exec(request.headers["authorization"] ?? "")?.[1];
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/** What is wrong with the signature; nothing when it is right. */
export function checkSignature(request: ServedRequest, facts: SignatureFacts): string | undefined {
  const match = AUTHORIZATION.exec(request.headers["authorization"] ?? "");
  if (match === null) return "there is no signature of version 4";
  const [, , date = "", region = "", service = "", names = "", signature = ""] = match;
  const time = request.headers["x-amz-date"] ?? "";
  if (!time.startsWith(date)) return "the credential's date is not the request's";
  if (region !== facts.region || service !== facts.service) return "it is for another scope";
  const signed = names.split(";");
  const isIn = (name: string): boolean => signed.includes(name);
  if (!isIn("host")) return "the host is not signed";
  const unsigned = Object.keys(request.headers).filter(
    (name) => (name.startsWith("x-amz-") || name === "content-type") && !isIn(name),
  );
  if (unsigned.length > 0) return `${unsigned.join(", ")} is not signed`;
  const [path = "/", query = ""] = request.path.split("?");
  const canonical = [
    request.method,
    path,
    query.split("&").sort().join("&"),
    ...signed.map((name) => `${name}:${(request.headers[name] ?? "").trim().replace(/\s+/g, " ")}`),
    "",
    names,
    sha256(request.body),
  ].join("\n");
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const key = [date, region, service, "aws4_request"].reduce<Buffer>(
    (from, part) => hmac(from, part),
    Buffer.from(`AWS4${facts.secret}`),
  );
  const expected = hmac(key, toSign);
  return timingSafeEqual(expected, Buffer.from(signature, "hex")) ? undefined : "it does not match";
}

/** `20150830T123600Z` in milliseconds since 1970. */
export function timeOf(request: ServedRequest): number {
  const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(
    request.headers["x-amz-date"] ?? "",
  );
  const [, year, month, day, hour, minute, second] = (found ?? []).map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
}

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text, "utf8").digest();
}
