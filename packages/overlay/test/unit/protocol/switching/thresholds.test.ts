import { describe, expect, test } from "@jest/globals";
import { switchThresholds as thresholds } from "../../../../src/protocol/switching/limits.js";
import { nextTopology } from "../../../../src/protocol/switching/thresholds.js";
import { topologyNames } from "../../../../src/protocol/switching/topologies.js";

describe("the topology of a size", () => {
  test.each([
    ["full-mesh", 110, "full-mesh"],
    ["full-mesh", 111, "hyparview"],
    ["full-mesh", 1_100, "hyparview"],
    ["full-mesh", 1_101, "client-server"],
    ["hyparview", 89, "full-mesh"],
    ["hyparview", 90, "hyparview"],
    ["hyparview", 1_100, "hyparview"],
    ["hyparview", 1_101, "client-server"],
    ["client-server", 900, "client-server"],
    ["client-server", 899, "hyparview"],
    ["client-server", 90, "hyparview"],
    ["client-server", 89, "full-mesh"],
  ] as const)("seen from %s is for %d members %s", (from, count, to) => {
    expect(nextTopology(from, count, thresholds)).toBe(to);
  });

  test("is kept once it is there, for every size and wherever it came from", () => {
    for (const from of topologyNames) {
      for (let count = 0; count <= 1_500; count += 1) {
        const next = nextTopology(from, count, thresholds);
        expect(nextTopology(next, count, thresholds)).toBe(next);
      }
    }
  });
});
