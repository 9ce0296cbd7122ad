/** The manifests for Kubernetes: against its schemas, against each other, and against what a node understands. */
import { describe, expect, test } from "@jest/globals";
import * as apps from "kubernetes-models/apps/v1";
import * as policy from "kubernetes-models/policy/v1";
import * as rbac from "kubernetes-models/rbac.authorization.k8s.io/v1";
import * as core from "kubernetes-models/v1";
import { loadConfig } from "../../../../packages/foundation/src/config/load-config.js";
import { documentsOf, unknownFields, variablesOf } from "./manifests.js";

interface Model {
  validate(): void;
}
const MODELS: Readonly<Record<string, new (data: never) => Model>> = {
  "apps/v1 Deployment": apps.Deployment,
  "apps/v1 StatefulSet": apps.StatefulSet,
  "policy/v1 PodDisruptionBudget": policy.PodDisruptionBudget,
  "rbac.authorization.k8s.io/v1 Role": rbac.Role,
  "rbac.authorization.k8s.io/v1 RoleBinding": rbac.RoleBinding,
  "v1 Service": core.Service,
  "v1 ServiceAccount": core.ServiceAccount,
};

/** Validates by the schema of its kind; gives the fields that it does not know. */
function check(object: Record<string, unknown>): string[] {
  const kind = `${String(object["apiVersion"])} ${String(object["kind"])}`;
  const Kind = MODELS[kind];
  if (Kind === undefined) throw new Error(`There is no schema of ${kind} here`);
  return unknownFields(object, (watched) => {
    // The model copies what it is given: only its validator is wanted, on the object that is watched.
    Kind.prototype.validate.call(Object.setPrototypeOf(watched, Kind.prototype));
  });
}

const files = ["rbac.yaml", "service.yaml", "statefulset.yaml", "deployment.yaml"] as const;
const all = files.flatMap((file) => documentsOf(`kubernetes/${file}`));
const named = (kind: string): any => all.find((each) => each["kind"] === kind);
const copy = <T>(value: T): T => structuredClone(value);

describe("the manifests for Kubernetes", () => {
  test.each(files)(
    "%s is what the schemas of its kinds say, without a field they do not know",
    (file) => {
      for (const object of documentsOf(`kubernetes/${file}`)) expect(check(object)).toEqual([]);
    },
  );

  test("a field that is misspelt, missing or of another type is found", () => {
    const set = named("StatefulSet");
    const misspelt = copy(set);
    misspelt.spec.template.spec.containers[0].readynessProbe = {};
    expect(check(misspelt)).toEqual(["/spec/template/spec/containers/0/readynessProbe"]);
    const missing = copy(set);
    delete missing.spec.selector;
    expect(() => check(missing)).toThrow(/selector/);
    const another = copy(set);
    another.spec.replicas = "three";
    expect(() => check(another)).toThrow(/replicas/);
  });

  test("the account may read exactly what discovery reads, and write nothing", () => {
    const rules = named("Role").rules;
    expect(rules.map(({ resources }: { resources: string[] }) => resources).flat()).toEqual([
      "endpointslices",
      "pods",
    ]);
    for (const { verbs } of rules) expect(verbs).toEqual(["get", "list", "watch"]);
    const { roleRef, subjects } = named("RoleBinding");
    expect(roleRef.name).toBe(named("Role").metadata.name);
    expect(subjects[0].name).toBe(named("ServiceAccount").metadata.name);
  });

  test("the service is headless, shows nodes that are not ready yet, and names the port", () => {
    const { metadata, spec } = named("Service");
    expect(spec).toMatchObject({ clusterIP: "None", publishNotReadyAddresses: true });
    expect(spec.ports[0]).toMatchObject({ name: "foundation", port: 4100 });
    expect(metadata.name).toBe("shop");
  });

  test("voters start side by side, under names that the others know them by", () => {
    const { metadata, spec } = named("StatefulSet");
    expect(spec.podManagementPolicy).toBe("Parallel");
    expect(spec.serviceName).toBe(named("Service").metadata.name);
    const { FOUNDATION_VOTERS: voters = "" } = variablesOf(spec.template.spec.containers[0]);
    expect(voters.split(",")).toEqual([0, 1, 2].map((i) => `${metadata.name}-${i}`));
    const { FOUNDATION_DATA_DIR: folder } = variablesOf(spec.template.spec.containers[0]);
    expect(spec.template.spec.containers[0].volumeMounts[0].mountPath).toBe(folder);
  });

  test.each(["StatefulSet", "Deployment"])(
    "a %s selects its pods, which the service does too, runs as the account, and is given time to drain",
    (kind) => {
      const { spec } = named(kind);
      const { metadata, spec: pod } = spec.template;
      expect(metadata.labels).toEqual(spec.selector.matchLabels);
      expect(metadata.labels).toEqual(named("Service").spec.selector);
      expect(metadata.labels).toEqual(named("PodDisruptionBudget").spec.selector.matchLabels);
      expect(pod.serviceAccountName).toBe(named("ServiceAccount").metadata.name);
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(30);
      const [container] = pod.containers;
      for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) {
        expect(container[probe].tcpSocket.port).toBe(container.ports[0].name);
      }
      expect(container.ports[0]).toEqual({ name: "foundation", containerPort: 4100 });
    },
  );

  test.each(["StatefulSet", "Deployment"])(
    "a node of a %s understands every variable that it is given",
    async (kind) => {
      const env = variablesOf(named(kind).spec.template.spec.containers[0]);
      const { values, warnings } = await loadConfig({ cwd: "/" }, env);
      expect(warnings).toEqual([]);
      expect(values).toMatchObject({
        profile: "production",
        name: "shop",
        cluster: "kubernetes",
        overlay: { port: 4100, advertise: "10.0.0.7" },
      });
    },
  );
});
