import { describe, expect, test } from "@jest/globals";
import { Secret } from "@foundation/core";
import { signedForm } from "../../../src/aws/signed-form.js";
import { checkSignature } from "../../aws/signature-check.js";

/** The example credentials and requests of AWS's own test suite for Signature Version 4. */
const SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const FACTS = { secret: SECRET, region: "us-east-1", service: "service" };
const AT_MS = Date.UTC(2015, 7, 30, 12, 36, 0);

function served(method: string, body: string, headers: Readonly<Record<string, string>>) {
  const host = "example.amazonaws.com";
  const { signal } = new AbortController();
  return { method, path: "/", host, headers: { host, ...headers }, body, signal };
}

function authorization(names: string, signature: string): string {
  const scope = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
  return `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=${names}, Signature=${signature}`;
}

describe("the check of signatures in the tests' own EC2", () => {
  const date = { "x-amz-date": "20150830T123600Z" };

  test("takes AWS's vector get-vanilla, and no other signature", () => {
    const signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    const good = authorization("host;x-amz-date", signature);
    expect(checkSignature(served("GET", "", { ...date, authorization: good }), FACTS)).toBe(
      undefined,
    );
    const bad = authorization("host;x-amz-date", signature.replace("5", "6"));
    expect(checkSignature(served("GET", "", { ...date, authorization: bad }), FACTS)).toBe(
      "it does not match",
    );
  });

  test("takes AWS's vector post-x-www-form-urlencoded, and refuses another body", () => {
    const signature = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
    const headers = {
      ...date,
      "content-type": "application/x-www-form-urlencoded",
      authorization: authorization("content-type;host;x-amz-date", signature),
    };
    expect(checkSignature(served("POST", "Param1=value1", headers), FACTS)).toBe(undefined);
    expect(checkSignature(served("POST", "Param1=value2", headers), FACTS)).toBe(
      "it does not match",
    );
  });
});

describe("a signed form", () => {
  const form = {
    url: new URL("https://example.amazonaws.com/"),
    body: "Param1=value1",
    service: "service",
    region: "us-east-1",
    credentials: {
      accessKeyId: "AKIDEXAMPLE",
      secret: new Secret(SECRET),
      sessionToken: undefined,
    },
    wallMs: AT_MS,
  };

  test("is signed as that check demands, at the time it was given", () => {
    const headers = signedForm(form);
    expect(headers["x-amz-date"]).toBe("20150830T123600Z");
    expect(checkSignature(served("POST", form.body, headers), FACTS)).toBe(undefined);
  });

  test("signs the session token, the host with its port and the content type", () => {
    const url = new URL("http://127.0.0.1:4566/");
    const sessionToken = new Secret("token");
    const headers = signedForm({
      ...form,
      url,
      credentials: { ...form.credentials, sessionToken },
    });
    expect(headers["x-amz-security-token"]).toBe("token");
    expect(headers["host"]).toBe("127.0.0.1:4566");
    expect(headers["authorization"]).toContain("content-type");
    const request = { ...served("POST", form.body, headers), host: "127.0.0.1:4566" };
    expect(checkSignature({ ...request, headers }, FACTS)).toBe(undefined);
    const { "x-amz-security-token": _, ...without } = headers;
    expect(checkSignature({ ...request, headers: without }, FACTS)).toBe("it does not match");
  });
});
