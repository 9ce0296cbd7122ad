import { describe, expect, test } from "@jest/globals";
import { fromLibcluster } from "../../../src/protocol/libcluster.js";
import { strategyOfTopology } from "../../../src/runtime/strategy-of-topology.js";

describe("the strategy of a libcluster topology", () => {
  test.each([
    ["LocalEpmd", {}, "local"],
    ["Epmd", { hosts: ["a@10.0.0.7:4100"] }, "static"],
    ["DNSPoll", { query: "app.internal", node_basename: "app" }, "dns"],
    ["Kubernetes.DNS", { service: "app" }, "dns"],
    ["Kubernetes.DNSSRV", { service: "app", namespace: "shop" }, "dns"],
    ["Gossip", { multicast_addr: "233.252.1.32", multicast_ttl: 1, port: 45_892 }, "gossip"],
    ["Gossip", { broadcast_only: true, secret: "a secret of that cluster" }, "gossip"],
    ["Kubernetes", { mode: ":dns", kubernetes_selector: "app=myapp" }, "kubernetes"],
  ])("%s with %j is one whose options are accepted", (strategy, config, name) => {
    const [topology] = fromLibcluster({ main: { strategy, config } });
    expect(topology && strategyOfTopology(topology).name).toBe(name);
  });
});
