/**
 * The shapes of the objects that the fake API server answers, after Kubernetes' published OpenAPI v3 (1.34:
 * `api/openapi-spec/v3/apis__discovery.k8s.io__v1_openapi.json` and `api__v1_openapi.json`): which fields there are, of
 * which type, and which must be there. The specification of a pod is large; of it only the fields used here stand
 * below, and others are let pass (`open`).
 *
 * A field's type is `string`, `integer`, `boolean`, `any`, the name of a shape, a list `[…]` or a map `{…}` of one of them;
 * `!` says that it is required, `?` that Go may write it as null.
 */

interface Shape {
  readonly fields: Readonly<Record<string, string>>;
  readonly open?: true;
}

const TYPE_META = { apiVersion: "string", kind: "string" };

const SHAPES: Readonly<Record<string, Shape>> = {
  EndpointSliceList: { fields: { ...TYPE_META, metadata: "ListMeta", items: "[EndpointSlice]!" } },
  EndpointSlice: {
    fields: {
      ...TYPE_META,
      metadata: "ObjectMeta",
      addressType: "string!",
      endpoints: "[Endpoint]!",
      ports: "[EndpointPort]",
    },
  },
  Endpoint: {
    fields: {
      addresses: "[string]!",
      conditions: "EndpointConditions",
      deprecatedTopology: "{string}",
      hints: "any",
      hostname: "string",
      nodeName: "string",
      targetRef: "ObjectReference",
      zone: "string",
    },
  },
  EndpointConditions: {
    fields: { ready: "boolean", serving: "boolean", terminating: "boolean" },
  },
  EndpointPort: {
    fields: { appProtocol: "string", name: "string", port: "integer", protocol: "string" },
  },
  ObjectReference: {
    fields: {
      ...TYPE_META,
      fieldPath: "string",
      name: "string",
      namespace: "string",
      resourceVersion: "string",
      uid: "string",
    },
  },
  ListMeta: {
    fields: {
      continue: "string",
      remainingItemCount: "integer",
      resourceVersion: "string",
      selfLink: "string",
    },
  },
  ObjectMeta: {
    fields: {
      annotations: "{string}",
      creationTimestamp: "string?",
      deletionGracePeriodSeconds: "integer",
      deletionTimestamp: "string",
      finalizers: "[string]",
      generateName: "string",
      generation: "integer",
      labels: "{string}",
      managedFields: "any",
      name: "string",
      namespace: "string",
      ownerReferences: "any",
      resourceVersion: "string",
      selfLink: "string",
      uid: "string",
    },
  },
  Status: {
    fields: {
      ...TYPE_META,
      code: "integer",
      details: "StatusDetails",
      message: "string",
      metadata: "ListMeta",
      reason: "string",
      status: "string",
    },
  },
  StatusDetails: {
    fields: {
      causes: "any",
      group: "string",
      kind: "string",
      name: "string",
      retryAfterSeconds: "integer",
      uid: "string",
    },
  },
  WatchEvent: { fields: { object: "any!", type: "string!" } },
  PodList: { fields: { ...TYPE_META, metadata: "ListMeta", items: "[Pod]!" } },
  Pod: {
    fields: { ...TYPE_META, metadata: "ObjectMeta", spec: "PodSpec", status: "PodStatus" },
  },
  PodSpec: {
    open: true,
    fields: {
      containers: "[Container]!",
      initContainers: "[Container]",
      hostname: "string",
      subdomain: "string",
    },
  },
  Container: {
    open: true,
    fields: { name: "string!", image: "string", ports: "[ContainerPort]" },
  },
  ContainerPort: {
    fields: {
      containerPort: "integer!",
      hostIP: "string",
      hostPort: "integer",
      name: "string",
      protocol: "string",
    },
  },
  PodStatus: {
    open: true,
    fields: {
      conditions: "[PodCondition]",
      phase: "string",
      podIP: "string",
      podIPs: "[PodIP]",
    },
  },
  PodIP: { fields: { ip: "string!" } },
  PodCondition: {
    fields: {
      lastProbeTime: "string?",
      lastTransitionTime: "string?",
      message: "string",
      observedGeneration: "integer",
      reason: "string",
      status: "string!",
      type: "string!",
    },
  },
};

/** What of the value is not as published; empty: it is. */
export function shapeProblems(shape: string, value: unknown, path = shape): readonly string[] {
  const { fields, open } = SHAPES[shape] ?? { fields: {} };
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [`${path} is no object`];
  }
  const record = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(record).filter((key) => !(key in fields) && open !== true);
  return [
    ...unknown.map((key) => `${path}.${key} is not published`),
    ...Object.entries(fields).flatMap(([key, type]) =>
      fieldProblems(type, record[key], `${path}.${key}`),
    ),
  ];
}

function fieldProblems(declared: string, value: unknown, path: string): readonly string[] {
  const isRequired = declared.endsWith("!");
  const type = declared.replace(/[!?]$/, "");
  if (value === undefined) return isRequired ? [`${path} is missing`] : [];
  if (value === null) return declared.endsWith("?") ? [] : [`${path} is null`];
  if (type === "any") return [];
  if (type.startsWith("[")) {
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((each, i) => fieldProblems(type.slice(1, -1), each, `${path}[${i}]`));
  }
  if (type.startsWith("{")) {
    if (typeof value !== "object") return [`${path} is no map`];
    return Object.entries(value).flatMap(([key, each]) =>
      fieldProblems(type.slice(1, -1), each, `${path}.${key}`),
    );
  }
  if (type === "integer") return Number.isInteger(value) ? [] : [`${path} is no integer`];
  if (type === "string" || type === "boolean") {
    return typeof value === type ? [] : [`${path} is no ${type}`];
  }
  return shapeProblems(type, value, path);
}
