import { describe, expect, test } from "@jest/globals";
import { rbacRule, refusal, type ApiRequest } from "../../../../src/protocol/kubernetes/refusal.js";

const REQUEST: ApiRequest = {
  verb: "watch",
  resource: "endpoints",
  namespace: "beta",
  server: "https://10.96.0.1",
  path: "/apis/…",
};
const USER = "system:serviceaccount:shop:web";
const MESSAGE =
  `endpointslices.discovery.k8s.io is forbidden: User "${USER}" cannot watch resource ` +
  '"endpointslices" in API group "discovery.k8s.io" in the namespace "beta"';
const forbidden = { code: 403, reason: "Forbidden", message: MESSAGE, retryAfterMs: undefined };

describe("a refusal of the API server", () => {
  test("says who may not do what where, and the rule that allows it", () => {
    const error = refusal(REQUEST, forbidden);
    expect(error.message).toContain(`${USER} may not watch endpointslices in "beta" (403`);
    expect(error.details).toMatchObject({
      verb: "watch",
      resource: "endpointslices",
      namespace: "beta",
    });
    expect(error.message).toContain(String(error.details["rule"]));
  });

  test("the rule is a role in the namespace that was asked, bound to the account where it lives", () => {
    expect(rbacRule(REQUEST, USER)).toBe(
      [
        "apiVersion: rbac.authorization.k8s.io/v1",
        "kind: Role",
        "metadata: { name: foundation-discovery, namespace: beta }",
        "rules:",
        '  - { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["get", "list", "watch"] }',
        "---",
        "apiVersion: rbac.authorization.k8s.io/v1",
        "kind: RoleBinding",
        "metadata: { name: foundation-discovery, namespace: beta }",
        "roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: foundation-discovery }",
        "subjects:",
        "  - { kind: ServiceAccount, name: web, namespace: shop }",
      ].join("\n"),
    );
  });

  test("for all namespaces it is a ClusterRole", () => {
    const rule = rbacRule({ resource: "pods", namespace: undefined }, USER);
    expect(rule).toContain("kind: ClusterRole\nmetadata: { name: foundation-discovery }");
    expect(rule).toContain('apiGroups: [""], resources: ["pods"]');
    expect(rule).toContain("kind: ClusterRoleBinding");
  });

  test("a user that is no service account is bound as a user, quoted", () => {
    const rule = rbacRule(REQUEST, 'eve" }');
    expect(rule).toContain('kind: User, name: "eve\\" }"');
  });

  test("a message without a user is bound to the default account", () => {
    const error = refusal(REQUEST, { ...forbidden, message: "no" });
    expect(error.message).toContain("The service account may not watch");
    expect(error.details["rule"]).toContain("name: default, namespace: beta");
  });
});
