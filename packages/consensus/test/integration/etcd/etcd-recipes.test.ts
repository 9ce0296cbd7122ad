/** The contract of recipes, on a real etcd, in real time. */
import { afterAll, beforeAll, jest } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { nodeRuntime, silentLogger } from "@foundation/core";
import { etcdEngine } from "../../../src/etcd/index.js";
import { recipesContract } from "../../contract/recipes.js";
import { hasEtcd, startEtcd, type EtcdCluster } from "./etcd-server.js";

jest.setTimeout(60_000);

const etcd = await requires("etcd", hasEtcd);
let cluster: EtcdCluster;
let keyspaces = 0;

etcd.describe("with one server", () => {
  beforeAll(async () => {
    // A short election timeout allows short leases.
    const flags = ["--heartbeat-interval", "50", "--election-timeout", "500"];
    cluster = await startEtcd({ flags });
  });

  afterAll(async () => cluster[Symbol.asyncDispose]());

  const engine = async () => {
    const opened = etcdEngine({
      endpoints: cluster.endpoints,
      namespace: `recipes-${keyspaces}/`,
      timeout: "30s",
    });
    // It loads its client with the first request; jest lets nobody load anything between two tests.
    await opened.txn({ then: [] });
    return opened;
  };

  recipesContract("recipes over etcd", {
    create: () => {
      keyspaces += 1;
      return engine();
    },
    another: engine,
    runtime: () => nodeRuntime({ logger: silentLogger() }),
    leaseMs: 2_000,
    leaseLateMs: 1_500,
  });
});
