/** The contract of recipes, on a real etcd, in real time. */
import { afterAll, beforeAll, jest } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { nodeRuntime, silentLogger } from "@foundation/core";
import { recipesContract } from "../../contract/recipes.js";
import { EtcdKeyspaces } from "./etcd-keyspaces.js";
import { hasEtcd } from "./etcd-server.js";

jest.setTimeout(60_000);

const etcd = await requires("etcd", hasEtcd);
let keyspaces: EtcdKeyspaces;

etcd.describe("with one server", () => {
  beforeAll(async () => {
    keyspaces = await EtcdKeyspaces.start();
  });

  afterAll(async () => keyspaces[Symbol.asyncDispose]());

  recipesContract("recipes over etcd", {
    create: () => keyspaces.create(),
    another: () => keyspaces.another(),
    runtime: () => nodeRuntime({ logger: silentLogger() }),
    leaseMs: 2_000,
    leaseLateMs: 1_500,
  });
});
