import { describe, expect, test } from "@jest/globals";
import { readEvent, readPage, readStatus } from "../../../../src/protocol/kubernetes/answers.js";
import type { EndpointRules } from "../../../../src/protocol/kubernetes/endpoint-rules.js";
import { endpointSlice } from "../../../kubernetes/fake-objects.js";

const RULES: EndpointRules = {
  mode: "ip",
  port: undefined,
  ownPort: 4100,
  scheme: "ws",
  clusterDomain: "cluster.local",
  service: undefined,
  includeNotReady: false,
};
const LIST = {
  kind: "EndpointSliceList",
  apiVersion: "discovery.k8s.io/v1",
  metadata: { resourceVersion: "7" },
  items: null,
};
const bare = endpointSlice({ service: "shop" }, [{ name: "a", ips: ["10.0.0.1"] }]);
const slice = { ...bare, metadata: { ...bare.metadata, resourceVersion: "8" } };

describe("a page of a list", () => {
  test("may have no items, written as null or not at all, and no next page", () => {
    const empty = { resourceVersion: "7", next: undefined, objects: [] };
    expect(readPage("endpoints", LIST, RULES)).toEqual(empty);
    const { items: _, ...without } = LIST;
    expect(readPage("endpoints", without, RULES)).toEqual(empty);
    const last = { ...LIST, metadata: { resourceVersion: "7", continue: "" } };
    expect(readPage("endpoints", last, RULES)).toEqual(empty);
  });

  test.each([
    ["another kind", { ...LIST, kind: "PodList", apiVersion: "v1" }],
    ["another version", { ...LIST, apiVersion: "discovery.k8s.io/v1beta1" }],
    ["no kind", { items: [] }],
    ["a status", { kind: "Status", apiVersion: "v1", metadata: {} }],
    ["a list", []],
    ["nothing", null],
    ["no version", { ...LIST, metadata: {} }],
    ["items that are no list", { ...LIST, items: {} }],
    ["an item that is none", { ...LIST, items: [1] }],
  ])("%s is malformed, never an empty list", (_, json) => {
    expect(() => readPage("endpoints", json, RULES)).toThrow();
  });
});

describe("a line of a watch", () => {
  test("is an object, a deletion, a bookmark or an error", () => {
    const read = (json: unknown) => readEvent("endpoints", json, RULES);
    expect(read({ type: "ADDED", object: slice }).type).toBe("put");
    expect(read({ type: "MODIFIED", object: slice }).type).toBe("put");
    expect(read({ type: "DELETED", object: slice })).toEqual({
      type: "removed",
      key: "shop/shop-abcde",
      resourceVersion: "8",
    });
    const mark = { kind: "EndpointSlice", metadata: { resourceVersion: "9" } };
    expect(read({ type: "BOOKMARK", object: mark })).toEqual({
      type: "bookmark",
      resourceVersion: "9",
    });
    const gone = { kind: "Status", code: 410, reason: "Expired", message: "too old" };
    expect(read({ type: "ERROR", object: gone })).toMatchObject({ status: { code: 410 } });
  });

  test.each([
    ["another type", { type: "RENAMED", object: slice }],
    ["no object", { type: "ADDED" }],
    ["an object of another kind", { type: "ADDED", object: { ...slice, kind: "Pod" } }],
    ["a bookmark without a version", { type: "BOOKMARK", object: { metadata: {} } }],
    ["a deletion without a name", { type: "DELETED", object: { ...slice, metadata: {} } }],
    ["no event", "ADDED"],
  ])("%s is malformed", (_, json) => {
    expect(() => readEvent("endpoints", json, RULES)).toThrow();
  });
});

describe("a status", () => {
  test("is read from whatever came, and never throws", () => {
    for (const json of [undefined, null, 7, [], { code: "x", details: 1, message: {} }]) {
      expect(readStatus(json, 502, "text")).toEqual({
        code: 502,
        reason: "",
        message: "text",
        retryAfterMs: undefined,
      });
    }
  });
});
