import { describe, expect, test } from "@jest/globals";
import {
  readObject,
  type EndpointRules,
  type WatchedResource,
} from "../../../../src/protocol/kubernetes/endpoint-rules.js";
import {
  endpointSlice,
  podObject,
  type FakeObject,
  type FakePod,
} from "../../../kubernetes/fake-objects.js";

const RULES: EndpointRules = {
  mode: "ip",
  port: undefined,
  ownPort: 7000,
  scheme: "ws",
  clusterDomain: "cluster.local",
  service: undefined,
  includeNotReady: false,
};

function read(object: FakeObject, rules: Partial<EndpointRules> = {}) {
  const resource: WatchedResource = object.kind === "Pod" ? "pods" : "endpoints";
  const stored = { ...object, metadata: { ...object.metadata, resourceVersion: "7" } };
  return readObject(resource, stored, { ...RULES, ...rules });
}

const POD: FakePod = { name: "shop-0", ips: ["10.0.0.7"], hostname: "shop-0", subdomain: "web" };
const slice = (pod: Partial<FakePod> = {}, more: object = {}) =>
  endpointSlice({ service: "shop", ...more }, [{ ...POD, ...pod }]);
const addresses = (object: FakeObject, rules: Partial<EndpointRules> = {}) =>
  read(object, rules).candidates.map(({ address, draining }) =>
    draining ? `${address} draining` : address,
  );
const issues = (object: FakeObject, rules: Partial<EndpointRules> = {}) =>
  read(object, rules).issues.map(({ type }) => type);

describe("the addresses that an EndpointSlice gives", () => {
  test.each([
    ["ip", "ws://10.0.0.7:4100"],
    ["hostname", "ws://shop-0.shop.shop.svc.cluster.local:4100"],
    ["dns", "ws://10-0-0-7.shop.pod.cluster.local:4100"],
  ] as const)("mode %s gives %s", (mode, address) => {
    expect(addresses(slice(), { mode })).toEqual([address]);
  });

  test("an IPv6 address has brackets, and dashes for its colons in a name", () => {
    const six = slice({ ips: ["fd00::7"] }, { addressType: "IPv6" });
    expect(addresses(six)).toEqual(["ws://[fd00::7]:4100"]);
    expect(addresses(six, { mode: "dns" })).toEqual(["ws://fd00--7.shop.pod.cluster.local:4100"]);
  });

  test("the cluster's domain and the scheme are those of the rules", () => {
    const rules = { mode: "hostname", clusterDomain: "k8s.example", scheme: "wss" } as const;
    expect(addresses(slice(), rules)).toEqual(["wss://shop-0.shop.shop.svc.k8s.example:4100"]);
  });

  test.each([
    ["ready", {}, ["ws://10.0.0.7:4100"]],
    ["not ready", { ready: false }, []],
    ["terminating and serving", { terminating: true }, ["ws://10.0.0.7:4100 draining"]],
    ["terminating and not serving", { terminating: true, serving: false }, []],
  ])("one that is %s", (_, pod, expected) => {
    expect(addresses(slice(pod))).toEqual(expected);
  });

  test("those that are not ready are there when they are asked for", () => {
    const rules = { includeNotReady: true };
    expect(addresses(slice({ ready: false }), rules)).toEqual(["ws://10.0.0.7:4100"]);
    const leaving = { terminating: true, serving: false };
    expect(addresses(slice(leaving), rules)).toEqual(["ws://10.0.0.7:4100 draining"]);
  });

  test("missing conditions mean ready, as the API says", () => {
    const bare = { ...slice(), endpoints: [{ addresses: ["10.0.0.8"] }] };
    expect(addresses(bare)).toEqual(["ws://10.0.0.8:4100"]);
  });

  test("a service that publishes those not ready calls a terminating one ready; it is draining", () => {
    const conditions = { ready: true, serving: false, terminating: true };
    const published = { ...slice(), endpoints: [{ addresses: ["10.0.0.8"], conditions }] };
    expect(addresses(published)).toEqual(["ws://10.0.0.8:4100 draining"]);
  });

  test.each([
    [undefined, { foundation: 4100, http: 80 }, ["ws://10.0.0.7:4100"]],
    [undefined, { http: 80 }, ["ws://10.0.0.7:7000"]],
    ["http", { foundation: 4100, http: 80 }, ["ws://10.0.0.7:80"]],
    [5000, { foundation: 4100 }, ["ws://10.0.0.7:5000"]],
    ["mesh", { foundation: 4100 }, []],
  ])("port %p among %j gives %j", (port, ports, expected) => {
    expect(addresses(slice({}, { ports }), { port })).toEqual(expected);
  });

  test("a named port that is not there is an issue, once for the slice", () => {
    const two = endpointSlice({ service: "shop" }, [POD, { ...POD, name: "b", ips: ["10.0.0.9"] }]);
    expect(read(two, { port: "mesh" }).issues).toEqual([
      { type: "no-port", object: "shop/shop-abcde", detail: 'named "mesh"' },
    ]);
    const udp = { ...slice(), ports: [{ name: "mesh", port: 9, protocol: "UDP" }] };
    expect(issues(udp, { port: "mesh" })).toEqual(["no-port"]);
  });

  test("an endpoint without a host name is an issue in mode hostname only", () => {
    const { hostname: _, ...nameless } = POD;
    const object = endpointSlice({ service: "shop" }, [nameless]);
    expect(issues(object, { mode: "hostname" })).toEqual(["no-hostname"]);
    expect(issues(object)).toEqual([]);
  });

  test("host names without a service take the one of the options", () => {
    const bare = slice();
    const object = { ...bare, metadata: { ...bare.metadata, labels: {} } };
    expect(issues(object, { mode: "hostname" })).toEqual(["no-service"]);
    expect(addresses(object, { mode: "hostname", service: "web" })).toEqual([
      "ws://shop-0.web.shop.svc.cluster.local:4100",
    ]);
  });

  test.each([
    ["a host name as an IPv4 address", slice({ ips: ["evil.example"] })],
    ["an address of the other family", { ...slice(), addressType: "IPv6" }],
    ["an address type without a meaning", slice({ ips: ["a.example"] }, { addressType: "FQDN" })],
  ])("%s is an issue and no peer", (_, object) => {
    expect(read(object).candidates).toEqual([]);
    expect(issues(object)).toEqual(["bad-address"]);
  });

  test("a host name that is no DNS name is an issue and no peer", () => {
    const object = slice({ hostname: "a/b@c" });
    expect(addresses(object, { mode: "hostname" })).toEqual([]);
    expect(issues(object, { mode: "hostname" })).toEqual(["bad-address"]);
  });

  test.each([
    ["no object", "text"],
    ["no metadata", { kind: "EndpointSlice" }],
    ["no name", { metadata: { namespace: "shop", resourceVersion: "1" } }],
    ["no version", { metadata: { namespace: "shop", name: "a" } }],
    ["endpoints that are no list", { ...stored(slice()), endpoints: {} }],
    ["an endpoint that is none", { ...stored(slice()), endpoints: [7] }],
    ["an endpoint without an address", { ...stored(slice()), endpoints: [{ addresses: [] }] }],
  ])("%s is malformed", (_, json) => {
    expect(() => readObject("endpoints", json, RULES)).toThrow();
  });
});

function stored(object: FakeObject) {
  return { ...object, metadata: { ...object.metadata, resourceVersion: "7" } };
}

describe("the addresses that a pod gives", () => {
  const pod = (more: Partial<FakePod> = {}) => podObject({ ...POD, ...more });

  test.each([
    ["ip", "ws://10.0.0.7:4100"],
    ["hostname", "ws://shop-0.web.shop.svc.cluster.local:4100"],
    ["dns", "ws://10-0-0-7.shop.pod.cluster.local:4100"],
  ] as const)("mode %s gives %s", (mode, address) => {
    expect(addresses(pod(), { mode })).toEqual([address]);
  });

  test("a pod of two families is one peer with two addresses to choose from", () => {
    const { candidates } = read(pod({ ips: ["10.0.0.7", "fd00::7"] }));
    expect(candidates.map(({ family }) => family)).toEqual(["IPv4", "IPv6"]);
    expect(new Set(candidates.map(({ identity }) => identity)).size).toBe(1);
  });

  test("an address is also found where only the older field has it", () => {
    const { podIPs: _, ...status } = pod()["status"] as Record<string, unknown>;
    expect(addresses({ ...pod(), status })).toEqual(["ws://10.0.0.7:4100"]);
  });

  test.each([
    ["not ready", { ready: false }, []],
    ["without an address yet", { phase: "Pending", ips: [] }, []],
    ["ended", { phase: "Succeeded" }, []],
    ["leaving", { terminating: true }, ["ws://10.0.0.7:4100 draining"]],
  ])("one that is %s", (_, more, expected) => {
    expect(addresses(pod(more))).toEqual(expected);
  });

  test("one that has ended stays out although the not ready are asked for", () => {
    expect(addresses(pod({ phase: "Failed" }), { includeNotReady: true })).toEqual([]);
  });
});
