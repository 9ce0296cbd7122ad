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

  const translated = (strategy: string, config: Record<string, unknown>) => {
    const [found] = fromLibcluster({ main: { strategy: `Cluster.Strategy.${strategy}`, config } });
    return found;
  };

  test("DNSPoll, Kubernetes.DNS and Kubernetes.DNSSRV are dns", () => {
    const base = { topology: "main", strategy: "dns" };
    const poll = { query: "app.internal", node_basename: "app", polling_interval: 3_000 };
    expect(translated("DNSPoll", poll)).toEqual({
      ...base,
      options: { query: "app.internal", interval: 3_000 },
    });
    const dns = { service: "app-nodes", application_name: "app" };
    expect(translated("Kubernetes.DNS", dns)).toEqual({
      ...base,
      options: { query: "app-nodes", type: "A" },
    });
    const srv = { ...dns, namespace: "shop" };
    expect(translated("Kubernetes.DNSSRV", srv)).toEqual({
      ...base,
      options: { query: "app-nodes.shop.svc", type: "SRV" },
    });
  });

  test("Gossip is gossip, with the addresses that it names", () => {
    const config = {
      port: 45_892,
      if_addr: "0.0.0.0",
      multicast_if: "192.168.1.1",
      multicast_addr: "233.252.1.32",
      multicast_ttl: 1,
      secret: "somepassword",
    };
    expect(translated("Gossip", config)).toEqual({
      topology: "main",
      strategy: "gossip",
      options: {
        port: 45_892,
        multicastAddress: "233.252.1.32",
        multicastTtl: 1,
        interfaces: ["192.168.1.1"],
        secret: "somepassword",
      },
    });
    const broadcast = { broadcast_only: true, multicast_addr: "255.255.255.255" };
    expect(translated("Gossip", broadcast)).toMatchObject({ options: { broadcast: true } });
    expect(translated("Gossip", broadcast)).not.toHaveProperty("options.multicastAddress");
  });

  test("Kubernetes is kubernetes, watched and not polled", () => {
    const config = {
      mode: ":hostname",
      kubernetes_node_basename: "myapp",
      kubernetes_selector: "app=myapp",
      kubernetes_namespace: "shop",
      kubernetes_service_name: "myapp-headless",
      kubernetes_ip_lookup_mode: ":pods",
      kubernetes_cluster_name: "test",
      kubernetes_master: "kubernetes.default.svc.",
      polling_interval: 10_000,
    };
    expect(translated("Kubernetes", config)).toEqual({
      topology: "main",
      strategy: "kubernetes",
      options: {
        selector: "app=myapp",
        namespace: "shop",
        service: "myapp-headless",
        mode: "hostname",
        resource: "pods",
        clusterDomain: "test.local",
        server: "https://kubernetes.default.svc",
      },
    });
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
    [{ strategy: "DNSPoll", config: { node_basename: "app" } }],
    [{ strategy: "DNSPoll", config: { query: "a.test", resolver: "f" } }],
    [{ strategy: "Kubernetes", config: { mode: "ipv6" } }],
    [{ strategy: "Gossip", config: { port: "45892" } }],
    [{ strategy: "Gossip", config: { broadcast_only: "yes" } }],
  ])("%j is refused with its path", (topology) => {
    const error = failure(topology);
    expect(error.code).toBe("ERR_INVALID_ARGUMENT");
    expect(error.message).toMatch(/^topologies\.main/);
  });
});
