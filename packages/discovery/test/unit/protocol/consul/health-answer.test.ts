import { describe, expect, test } from "@jest/globals";
import { createNodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { readHealth } from "../../../../src/protocol/consul/health-answer.js";

const reader = { cluster: "shop", ownAddress: "ws://10.0.0.9:7000", passing: true };
const passing = [{ Status: "passing" }];
const read = (entries: unknown, of = reader) => readHealth(JSON.stringify(entries), of);
const instance = (service: object, checks: unknown = passing, node: object = {}) => ({
  Node: { Address: "10.0.0.1", ...node },
  Service: service,
  Checks: checks,
});

describe("an instance's address", () => {
  test("is what it says of itself", () => {
    const id = createNodeId(seededRandom("a"));
    const meta = { "foundation-address": "wss://a.example:4100", "foundation-id": id };
    expect(read([instance({ Address: "10.0.0.5", Port: 9, Meta: meta })])).toEqual({
      peers: [{ address: "wss://a.example:4100", id }],
    });
  });

  test("is its service's, then its node's, on the service's port, then on our own", () => {
    expect(
      read([
        instance({ Address: "10.0.0.5", Port: 4100 }),
        instance({ Address: "", Port: 4200 }),
        instance({ Address: "fd00::5", Port: 0, Meta: null }),
      ])?.peers,
    ).toEqual([
      { address: "ws://10.0.0.5:4100" },
      { address: "ws://10.0.0.1:4200" },
      { address: "ws://[fd00::5]:7000" },
    ]);
  });
});

describe("an instance's health", () => {
  const meta = { "foundation-draining": "true" };
  const service = { Address: "10.0.0.5", Port: 4100 };
  const statuses = (...all: readonly string[]) => all.map((status) => ({ Status: status }));

  test("must be passing in every check, the node's own included", () => {
    expect(read([instance(service, statuses("passing", "warning"))])?.peers).toEqual([]);
    expect(read([instance(service, statuses("passing", "critical"))])?.peers).toEqual([]);
    expect(read([instance(service, statuses("passing", "passing"))])?.peers).toHaveLength(1);
    expect(read([instance(service, [])])?.peers).toHaveLength(1);
  });

  test("does not matter where that was asked for", () => {
    const any = { ...reader, passing: false };
    expect(read([instance(service, statuses("critical"))], any)?.peers).toHaveLength(1);
  });

  test("of one that drains may be a warning, and not worse", () => {
    const draining = { ...service, Meta: meta };
    expect(read([instance(draining, statuses("passing", "warning"))])?.peers).toEqual([
      { address: "ws://10.0.0.5:4100", draining: true },
    ]);
    expect(read([instance(draining, statuses("critical"))])?.peers).toEqual([]);
  });
});

describe("an answer", () => {
  test("that is no list is none", () => {
    for (const body of ["", "{}", "null", "7", '"x"', "<html>", "[", "[[]"]) {
      expect(readHealth(body, reader)).toBe(undefined);
    }
  });

  test("with an entry that cannot be read is partial, and says which", () => {
    const good = instance({ Address: "10.0.0.5", Port: 4100 });
    const bad = [7, {}, instance({}, "none"), instance({ Address: "a b", Port: 1 }), null];
    const reading = read([good, ...bad]);
    expect(reading?.peers).toHaveLength(1);
    expect(reading?.partial).toBe("instance 1: it has no Service, and 4 like it");
  });

  test("leaves out nodes of another cluster that shares the service", () => {
    const of = (cluster: string) =>
      instance({ Address: "10.0.0.5", Port: 1, Meta: { "foundation-cluster": cluster } });
    expect(read([of("billing")])).toEqual({ peers: [] });
    expect(read([of("shop")])?.peers).toHaveLength(1);
  });
});
