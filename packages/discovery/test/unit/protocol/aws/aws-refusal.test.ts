import { expect, test } from "@jest/globals";
import { awsFailure } from "../../../../src/protocol/aws/aws-refusal.js";

const facts = { action: "ec2:DescribeInstances", region: "eu-central-1", skewMs: undefined };
const body = (code: string, message = "m") =>
  `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors></Response>`;

test.each([
  [503, "RequestLimitExceeded", "throttled", "limits the rate"],
  [400, "Throttling", "throttled", "limits the rate"],
  [403, "UnauthorizedOperation", "refused", '"Action":"ec2:DescribeInstances"'],
  [403, "SomethingNew", "refused", '"Action":"ec2:DescribeInstances"'],
  [401, "AuthFailure", "credentials", "does not take the credentials (AuthFailure: m)"],
  [400, "ExpiredToken", "credentials", "does not take the credentials"],
  [403, "SignatureDoesNotMatch", "credentials", "does not take the credentials"],
  [401, "OptInRequired", "refused", "the account may not use eu-central-1"],
  [400, "InvalidParameterValue", "failed", "status 400 (InvalidParameterValue: m)"],
  [500, "InternalError", "failed", "status 500"],
])("%i %s is %s: %s", (status, code, type, words) => {
  const failure = awsFailure({ ...facts, status, body: body(code) });
  expect(failure.type).toBe(type);
  expect(failure.reason).toContain(words);
});

test.each([
  [10 * 60_000, "10 minutes behind"],
  [-65 * 60_000, "65 minutes ahead"],
])("a clock that differs by %i ms is blamed for what it causes", (skewMs, words) => {
  const known = { ...facts, status: 400, skewMs };
  expect(awsFailure({ ...known, body: body("RequestExpired") }).reason).toContain(words);
  expect(awsFailure({ ...known, body: body("SignatureDoesNotMatch") }).reason).toContain(words);
  expect(awsFailure({ ...known, body: body("ExpiredToken") }).reason).not.toContain(words);
});

test("a clock that is right within AWS's tolerance is not blamed", () => {
  const failure = awsFailure({ ...facts, status: 403, skewMs: 60_000, body: body("AuthFailure") });
  expect(failure.reason).not.toContain("clock");
});

test("STS's form of an error is read too; the encoded message of a refusal is left out", () => {
  const sts =
    "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
  expect(awsFailure({ ...facts, status: 403, body: sts }).reason).toContain("(AccessDenied: no)");
  const long = body(
    "UnauthorizedOperation",
    "Not you. Encoded authorization failure message: 4bCd",
  );
  expect(awsFailure({ ...facts, status: 403, body: long }).reason).not.toContain("4bCd");
});
