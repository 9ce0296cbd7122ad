/**
 * What an error of Google's APIs means, and what to do: the words of a problem.
 *
 * Pure. Errors are JSON: `{ error: { code, message, status, errors: [{ reason }], details: [{ reason }] } }`, those of the
 * token endpoint `{ error, error_description }`. What they say is quoted, shortened.
 */

export interface GcpFailure {
  readonly type: "refused" | "token" | "missing" | "failed";
  readonly reason: string;
}

export interface GcpFailureFacts {
  readonly status: number;
  readonly body: string;
  /** The permission that was needed: `compute.instances.list`. */
  readonly permission: string;
  readonly project: string;
}

const QUOTED_CHARS_MAX = 240;

/** In words, why there is no good answer. */
export function gcpFailure(facts: GcpFailureFacts): GcpFailure {
  const { reasons, message } = said(facts.body);
  const quote = message === "" ? "" : `; it says: ${message}`;
  const has = (...known: readonly string[]): boolean =>
    known.some((each) => reasons.includes(each));
  const { status } = facts;
  if (status === 429 || has("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded")) {
    return { type: "failed", reason: `Google limits the rate of requests${quote}` };
  }
  if (status === 401) return { type: "token", reason: `Google does not take the token${quote}` };
  if (status === 403) return { type: "refused", reason: `${deniedBecause(facts, has)}${quote}` };
  if (status === 404) {
    return { type: "missing", reason: `there is no such project, zone or group${quote}` };
  }
  return { type: "failed", reason: `Google answered with the status ${status}${quote}` };
}

function deniedBecause(
  { permission, project }: GcpFailureFacts,
  has: (...known: readonly string[]) => boolean,
): string {
  if (has("accessNotConfigured", "SERVICE_DISABLED")) {
    return `the Compute Engine API is not enabled in ${project}; enable it: gcloud services enable compute.googleapis.com --project ${project}`;
  }
  if (has("insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")) {
    return (
      "the instance's access scopes do not cover Compute Engine; stop it and set them: " +
      "gcloud compute instances set-service-account NAME --scopes cloud-platform"
    );
  }
  return (
    `the service account lacks the permission ${permission} in ${project}; grant it roles/compute.viewer: ` +
    `gcloud projects add-iam-policy-binding ${project} --member serviceAccount:EMAIL --role roles/compute.viewer`
  );
}

function said(body: string): { readonly reasons: readonly string[]; readonly message: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { reasons: [], message: "" };
  }
  const answer = fields(parsed);
  if (typeof answer["error"] === "string") {
    return { reasons: [answer["error"]], message: quoted(answer["error_description"]) };
  }
  const error = fields(answer["error"]);
  const reasons = [error["errors"], error["details"]].flatMap((list) =>
    Array.isArray(list) ? list.map((each) => fields(each)["reason"]) : [],
  );
  return {
    reasons: reasons.filter((each): each is string => typeof each === "string"),
    message: quoted(error["message"]),
  };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function quoted(value: unknown): string {
  if (typeof value !== "string") return "";
  return value.replace(/[^\x20-\x7e]+/g, " ").slice(0, QUOTED_CHARS_MAX);
}
