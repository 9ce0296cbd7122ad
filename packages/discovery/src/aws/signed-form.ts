/**
 * signedForm: the headers of a form sent to AWS by POST, with its signature (Signature Version 4).
 *
 * The signature is `aws4`'s: it is made at once (WebCrypto would make it on another thread, at a time no virtual clock
 * decides), takes the time as a header, and signs the content type too.
 */
import aws4 from "aws4";
import type { AwsCredentials } from "./credentials-chain.js";

export interface Form {
  readonly url: URL;
  readonly body: string;
  readonly service: string;
  readonly region: string;
  readonly credentials: Pick<AwsCredentials, "accessKeyId" | "secret" | "sessionToken">;
  /** Wall-clock milliseconds; AWS takes five minutes around its own. */
  readonly wallMs: number;
}

const CONTENT_TYPE = "application/x-www-form-urlencoded; charset=utf-8";

/** @param contentType for a test with another one */
export function signedForm(form: Form, contentType: string = CONTENT_TYPE): Record<string, string> {
  const { url, body, service, region, credentials, wallMs } = form;
  const { accessKeyId, secret, sessionToken } = credentials;
  const { headers = {} } = aws4.sign(
    {
      service,
      region,
      method: "POST",
      host: url.host,
      path: url.pathname,
      headers: {
        Host: url.host,
        "Content-Type": contentType,
        "X-Amz-Date": new Date(wallMs).toISOString().replace(/[:-]|\.\d{3}/g, ""),
      },
      body,
    },
    {
      accessKeyId,
      secretAccessKey: secret.reveal(),
      ...(sessionToken !== undefined && { sessionToken: sessionToken.reveal() }),
    },
  );
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}
