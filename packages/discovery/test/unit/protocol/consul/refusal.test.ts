import { expect, test } from "@jest/globals";
import { isCheckUnknown, refusalOf } from "../../../../src/protocol/consul/refusal.js";

const request = { what: "w", service: "shop", access: "read", hasToken: true } as const;

test.each([
  [403, "Permission denied", "refused", 'the token\'s policy lacks a rule: add service "shop"'],
  [500, "rpc error making call: Permission denied", "refused", "the token's policy lacks a rule"],
  [500, "rpc error making call: ACL not found", "refused", "Consul does not know the token"],
  [500, "rpc error making call: No cluster leader", "failed", "servers have no leader (500)"],
  [500, "No path to datacenter", "failed", "no such datacentre"],
  [
    500,
    "rpc error getting client: failed to dial",
    "failed",
    "the agent could not ask its servers",
  ],
  [500, "", "failed", "Consul failed (500)"],
  [
    429,
    "Your IP is issuing too many concurrent connections",
    "failed",
    "limits this client's requests",
  ],
  [404, "<html>nginx</html>", "failed", "is it Consul that answers there?"],
  [
    400,
    "Invalid wait",
    "failed",
    "Consul does not understand an option (400); it says: Invalid wait",
  ],
  [302, "", "failed", "Consul answered with the status 302"],
])("%i %j is %s: %s", (status, body, type, words) => {
  const refusal = refusalOf(status, body, request);
  expect(refusal.type).toBe(type);
  expect(refusal.reason).toContain(words);
});

test("to who has no token it says where to set one, and the rule for what was wanted", () => {
  const { reason } = refusalOf(403, "", { ...request, access: "write", hasToken: false });
  expect(reason).toContain("no token was given");
  expect(reason).toContain("CONSUL_HTTP_TOKEN");
  expect(reason).toContain('service "shop" { policy = "write" }');
});

test("what is quoted is short, and of printable characters", () => {
  const { reason } = refusalOf(500, `\u001b[31m${"x".repeat(10_000)}`, request);
  expect(reason.length).toBeLessThan(400);
  expect(reason).not.toContain("\u001b");
});

test("an agent that has forgotten a check is known by its words, old and new", () => {
  expect(isCheckUnknown(404, "")).toBe(true);
  expect(isCheckUnknown(500, 'CheckID "service:x" does not have associated TTL')).toBe(true);
  expect(isCheckUnknown(500, "rpc error making call: No cluster leader")).toBe(false);
  expect(isCheckUnknown(403, "Permission denied")).toBe(false);
});
