/**
 * What an error of AWS means, and what to do: the words of a problem.
 *
 * Pure. EC2 says `<Response><Errors><Error><Code>…`, STS `<ErrorResponse><Error><Code>…`. What it says is quoted, shortened,
 * without the encoded authorisation message that follows a refusal.
 */
import { elements, readXml, textAt } from "./xml.js";

export interface AwsFailure {
  readonly type: "refused" | "throttled" | "credentials" | "failed";
  readonly reason: string;
}

export interface AwsFailureFacts {
  readonly status: number;
  readonly body: string;
  /** The action that was asked for, with its service: `ec2:DescribeInstances`. */
  readonly action: string;
  readonly region: string;
  /** AWS's clock minus this machine's, in milliseconds, where its answer said the time. */
  readonly skewMs: number | undefined;
}

const QUOTED_CHARS_MAX = 240;
/** AWS takes signatures of five minutes around its own time. */
const SKEW_MS_MAX = 4 * 60_000;

const SKEW = ["RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch", "AuthFailure"];
const CREDENTIALS = [
  "AuthFailure",
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidClientTokenId",
  "RequestExpired",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
];
const THROTTLED = ["RequestLimitExceeded", "Throttling", "ThrottlingException", "SlowDown"];

/** In words, why there is no good answer. */
export function awsFailure(facts: AwsFailureFacts): AwsFailure {
  const { code, message } = said(facts.body);
  const quote = code === "" ? "" : ` (${code}${message === "" ? "" : `: ${message}`})`;
  if (THROTTLED.includes(code) || facts.status === 429) {
    return { type: "throttled", reason: `AWS limits the rate of requests${quote}` };
  }
  if (code === "UnauthorizedOperation" || code === "AccessDenied" || facts.status === 403) {
    if (!CREDENTIALS.includes(code)) return refused(facts, quote);
  }
  const skew = SKEW.includes(code) ? skewWords(facts.skewMs) : undefined;
  if (skew !== undefined) return { type: "credentials", reason: `${skew}${quote}` };
  if (CREDENTIALS.includes(code)) {
    return { type: "credentials", reason: `AWS does not take the credentials${quote}` };
  }
  if (code === "OptInRequired" || code === "AuthFailureRegion") {
    return { type: "refused", reason: `the account may not use ${facts.region}${quote}` };
  }
  return { type: "failed", reason: `AWS answered with the status ${facts.status}${quote}` };
}

function refused({ action, region }: AwsFailureFacts, quote: string): AwsFailure {
  const policy = JSON.stringify({ Effect: "Allow", Action: action, Resource: "*" });
  return {
    type: "refused",
    reason: `the identity may not ${action} in ${region}; add to its IAM policy the statement ${policy}${quote}`,
  };
}

function skewWords(skewMs: number | undefined): string | undefined {
  if (skewMs === undefined || Math.abs(skewMs) < SKEW_MS_MAX) return undefined;
  const minutes = Math.round(Math.abs(skewMs) / 60_000);
  const way = skewMs > 0 ? "behind" : "ahead";
  return `this machine's clock is ${minutes} minutes ${way} of AWS's; let it follow a time server`;
}

function said(body: string): { readonly code: string; readonly message: string } {
  const root = readXml(body);
  const error =
    root && (elements(root, "Errors", "Error")[0] ?? elements(root, "Error")[0] ?? undefined);
  if (error === undefined) return { code: "", message: "" };
  const message = (textAt(error, "Message") ?? "")
    .replace(/\s*Encoded authorization failure message:.*$/s, "")
    .replace(/[^\x20-\x7e]+/g, " ")
    .slice(0, QUOTED_CHARS_MAX);
  return { code: textAt(error, "Code") ?? "", message };
}
