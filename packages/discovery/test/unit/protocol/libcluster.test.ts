import { describe, expect, test } from "@jest/globals";
import { fromLibcluster, type LibclusterTopology } from "../../../src/protocol/libcluster.js";

const failure = (topology: unknown) => {
  try {
    fromLibcluster({ main: topology as LibclusterTopology });
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error("it was accepted");
};

describe("libcluster topologies", () => {
  test("Epmd is a static list, LocalEpmd this machine", () => {
    const topologies = {
      main: {
        strategy: "Cluster.Strategy.Epmd",
        config: { hosts: ["a@10.0.0.7:4100", ':"b@10.0.0.8:4100', "10.0.0.9:1"], timeout: 1 },
      },
      dev: { strategy: "Elixir.Cluster.Strategy.LocalEpmd" },
    };
    expect(fromLibcluster(topologies)).toEqual([
      {
        topology: "main",
        strategy: "static",
        addresses: ["ws://10.0.0.7:4100", "ws://10.0.0.8:4100", "ws://10.0.0.9:1"],
      },
      { topology: "dev", strategy: "local" },
    ]);
  });

  test("a strategy of a later version is refused by name", () => {
    const error = failure({ strategy: "Cluster.Strategy.Gossip" });
    expect(error.code).toBe("ERR_STRATEGY_UNAVAILABLE");
    expect(error.message).toContain("topologies.main.strategy is Cluster.Strategy.Gossip");
    expect(error.message).toContain('a later version, with the strategy "gossip"');
  });

  test.each(["ErlangHosts", "Rancher", "constructor", "x".repeat(500)])(
    "the strategy %s, which has none here, is refused too",
    (strategy) => {
      const error = failure({ strategy });
      expect(error.code).toBe("ERR_STRATEGY_UNAVAILABLE");
      expect(error.message).toContain("Epmd");
      expect(error.message.length).toBeLessThan(300);
    },
  );

  test("a host without a port is refused, since nobody maps names to ports", () => {
    const config = { hosts: ["a@127.0.0.1"] };
    expect(failure({ strategy: "Epmd", config }).code).toBe("ERR_PEER_ADDRESS");
  });

  test.each([
    [null],
    [{ config: {} }],
    [{ strategy: "Epmd", config: { hosts: "a:1" } }],
    [{ strategy: "Epmd", config: { hosts: [], host: [] } }],
    [{ strategy: "LocalEpmd", config: { polling_interval: 1 } }],
  ])("%j is refused with its path", (topology) => {
    const error = failure(topology);
    expect(error.code).toBe("ERR_INVALID_ARGUMENT");
    expect(error.message).toMatch(/^topologies\.main/);
  });
});
