import { describe, expect, test } from "@jest/globals";
import { createNodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { clientServerLimits } from "../../../../src/protocol/client-server/limits.js";
import { Plan } from "../../../../src/protocol/client-server/plan.js";
import {
  capabilities,
  capabilitiesOf,
  featuresOf,
  lackOf,
  linksPerNode,
  supports,
  topologyFeatures,
} from "../../../../src/protocol/switching/capabilities.js";
import { switchThresholds } from "../../../../src/protocol/switching/limits.js";
import { topologyNames } from "../../../../src/protocol/switching/topologies.js";

describe("capabilities", () => {
  test.each(topologyNames)("of %s are whole: each feature is there, or why not is said", (name) => {
    expect(capabilities[name].topology).toBe(name);
    for (const feature of topologyFeatures) {
      const lack = lackOf(name, feature);
      expect(supports(name, feature)).toBe(lack === undefined);
      for (const sentence of lack ? [lack.why, lack.instead] : []) {
        expect(sentence).toMatch(/^[A-Z].+\.$/);
      }
    }
    expect(Object.keys(capabilities[name].lacks).sort()).toEqual(
      topologyFeatures.filter((feature) => !supports(name, feature)).sort(),
    );
  });

  test.each(topologyNames)("of %s list, reach and broadcast to all members", (name) => {
    expect(featuresOf(name)).toEqual(
      expect.arrayContaining(["list-all", "unicast", "broadcast", "channels"]),
    );
  });

  test("tell the topologies apart by their links", () => {
    expect(topologyNames.filter((name) => supports(name, "links-to-all"))).toEqual(["full-mesh"]);
    expect(topologyNames.filter((name) => supports(name, "link-on-demand"))).toEqual([
      "full-mesh",
      "hyparview",
      "client-server",
    ]);
    expect(topologyNames.filter((name) => supports(name, "newest-broadcasts"))).toEqual([
      "full-mesh",
    ]);
    expect(topologyNames.filter((name) => supports(name, "server-role"))).toEqual([
      "client-server",
    ]);
    expect(topologyNames.map((name) => capabilities[name].unicast)).toEqual([
      "linked",
      "dialled",
      "dialled",
    ]);
  });

  test("of client-server say it where clients refuse links to clients, and of no other", () => {
    for (const name of topologyNames) {
      expect(capabilitiesOf(name)).toBe(capabilities[name]);
      expect(capabilitiesOf(name, "on-demand")).toBe(capabilities[name]);
      const refusing = capabilitiesOf(name, "refused");
      const isClientServer = name === "client-server";
      expect(refusing.unicast === "relayed").toBe(isClientServer);
      expect(refusing.lacks["link-on-demand"] !== undefined).toBe(isClientServer);
      expect(refusing.lacks).toMatchObject(capabilities[name].lacks);
    }
  });

  test("are plain data", () => {
    expect(JSON.parse(JSON.stringify(capabilities))).toEqual(capabilities);
  });

  test("advise no more members than auto allows", () => {
    expect(capabilities["full-mesh"].membersAdvised).toBeLessThanOrEqual(
      switchThresholds.fullMeshMax,
    );
    expect(capabilities.hyparview.membersAdvised).toBeLessThanOrEqual(
      switchThresholds.hyparviewMax,
    );
  });
});

describe("links of a node", () => {
  test.each([
    ["full-mesh", 100, 0, { client: 99, server: 99 }],
    ["full-mesh", 1, 0, { client: 0, server: 0 }],
    ["hyparview", 1_000, 0, { client: 6, server: 6 }],
    ["hyparview", 4, 0, { client: 3, server: 3 }],
    ["client-server", 1_032, 32, { client: 2, server: 31 + 63 }],
    ["client-server", 10, 1, { client: 1, server: 9 }],
    ["client-server", 0, 0, { client: 0, server: 0 }],
  ] as const)("in %s of %d with %d servers", (topology, members, servers, links) => {
    expect(linksPerNode(topology, members, servers)).toEqual(links);
  });

  test("in client-server are those of the plan, on average", () => {
    const random = seededRandom(1);
    const plan = new Plan(clientServerLimits);
    const ids = Array.from({ length: 2_000 }, () => createNodeId(random));
    plan.apply(
      ids.map((id) => ({ id, roles: [] })),
      [],
    );
    const { servers } = plan;
    const perServer = new Map(servers.map((id) => [id, servers.length - 1]));
    for (const id of ids) {
      for (const server of plan.choicesOf(id).slice(0, 2)) {
        perServer.set(server, (perServer.get(server) ?? 0) + 1);
      }
    }
    const sum = [...perServer.values()].reduce((total, links) => total + links);
    const { server } = linksPerNode("client-server", 2_000, servers.length);
    expect(Math.abs(sum / servers.length - server)).toBeLessThan(1);
  });
});
