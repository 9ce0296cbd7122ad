import { describe, expect, test } from "@jest/globals";
import type { Candidate } from "../../../../src/protocol/kubernetes/endpoint-rules.js";
import { EndpointTable } from "../../../../src/protocol/kubernetes/endpoint-table.js";

const candidate = (identity: string, ip: string, draining = false): Candidate => ({
  identity,
  address: `ws://${ip}:1`,
  direct: `${ip}:1`,
  family: "IPv4",
  draining,
});
let version = 0;
const object = (key: string, ...candidates: Candidate[]) => ({
  key,
  resourceVersion: String((version += 1)),
  candidates,
  notReady: 0,
  issues: [],
});

describe("the table of endpoints", () => {
  test.each([
    ["the new one first", ["new", "old"]],
    ["the old one first", ["old", "new"]],
  ])("an address that a new pod got from one that leaves is not draining: %s", (_, order) => {
    const table = new EndpointTable("IPv4", "");
    for (const identity of order) {
      table.put(object(identity, candidate(identity, "10.0.0.1", identity === "old")));
    }
    expect(table.peers()).toEqual([{ address: "ws://10.0.0.1:1" }]);
  });

  test("counts a change only when the peers are others", () => {
    const table = new EndpointTable("IPv4", "");
    table.put(object("a", candidate("p", "10.0.0.1"), candidate("q", "10.0.0.2")));
    const before = table.changes;
    table.put(object("a", candidate("q", "10.0.0.2"), candidate("p", "10.0.0.1")));
    table.put(object("b", candidate("p", "10.0.0.1")));
    table.remove("b");
    table.remove("never there");
    expect(table.changes).toBe(before);
    table.put(object("a", candidate("p", "10.0.0.1")));
    expect(table.changes).toBe(before + 1);
  });

  test("this node alone is nobody to dial, and not nobody at all", () => {
    const table = new EndpointTable("IPv4", "10.0.0.9:1");
    expect(table.isEmpty).toBe(true);
    table.put(object("a", candidate("self", "10.0.0.9")));
    expect([table.peers(), table.isEmpty]).toEqual([[], false]);
    table.remove("a");
    expect([table.isEmpty, table.objects]).toEqual([true, 0]);
  });

  test("a pod that takes this node's address is no peer any more", () => {
    const table = new EndpointTable("IPv4", "10.0.0.9:1");
    table.put(object("a", candidate("p", "10.0.0.1")));
    table.put(object("a", candidate("p", "10.0.0.9")));
    expect(table.peers()).toEqual([]);
  });
});
